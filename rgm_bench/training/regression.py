"""The step of the baselines without a prior: one network learns to predict by least squares."""

from collections.abc import Mapping
from typing import Literal, assert_never, final

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from rgm_bench.batching import micro_batches
from rgm_bench.forward.base import ForwardProcess, half_squared_norm
from rgm_bench.optim import Adam
from rgm_bench.sampling.base import Network
from rgm_bench.training.base import TrainingStep
from rgm_bench.training.draws import Draws, HalfStepDraws
from rgm_bench.types import Sample, Scalar


def regression_loss(prediction: Sample, target: Sample) -> Scalar:
    """Half the squared error: summed over the entries of a sample, mean over the batch."""
    return half_squared_norm(prediction - target).mean()


@final
class RegressionStep(TrainingStep):
    """One step of a network that predicts the clean data, or the noise in them.

    `data` makes the restorer of least squared error: its optimum is the posterior mean. `noise`
    makes DDPM, for a forward process of noise alone. Of the draws only the generator's half is
    used, and of that one observation.

    Source: `data` is the MMSE case of Choi et al. 2023, Sec. 3; `noise` is Ho et al. 2020, Eq.
    (14), times half the number of entries, which Adam does not notice. We neither clip gradients
    nor warm the learning rate up.

    Args:
        generator: the network that is trained.
        predict: how to call it: itself, or a compiled or lower-precision form of it.
        ema: its average.
        optimizer: its Adam.
        forward: the forward process.
        target: what it predicts.
        accumulation: micro-batches that a batch is computed in.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        predict: Network,
        ema: AveragedModel,
        optimizer: Adam,
        forward: ForwardProcess,
        target: Literal["data", "noise"],
        accumulation: int = 1,
    ) -> None:
        super().__init__(generator=generator, ema=ema, optimizer=optimizer)
        self.predict, self.forward = predict, forward
        self.target: Literal["data", "noise"] = target
        self.accumulation = accumulation

    def __call__(self, draws: Draws, *, step: int, decay: float) -> dict[str, Scalar]:
        """Do step number `step`, with `decay` of the learning rates left.

        Returns:
            The loss, detached, as `generator_loss`.
        """
        total = draws.x0.new_zeros(())
        for part in micro_batches(len(draws.x0), self.accumulation):
            loss = self._loss(draws.x0[part], draws.generator.take(part)) / self.accumulation
            loss.backward()
            total += loss.detach()
        self.optimizer.step(decay)
        self.ema.update_parameters(self.generator)
        return {"generator_loss": total}

    def _loss(self, x0: Sample, draws: HalfStepDraws) -> Scalar:
        y = self.forward.sample(x0, draws.level + 1, draws.noise_next)
        prediction = self.predict(y, draws.level, draws.latent)
        match self.target:
            case "data":
                return regression_loss(prediction, x0)
            case "noise":
                return regression_loss(prediction, draws.noise_next)
            case _:
                assert_never(self.target)

    def further_state(self) -> Mapping[str, Tensor]:
        """Nothing: there is one network."""
        return {}

    def load_further_state(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to load."""
