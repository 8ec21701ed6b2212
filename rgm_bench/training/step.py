"""The step of a restoration model: the prior learns, then the generator, then its average."""

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from rgm_bench.batching import micro_batches
from rgm_bench.forward.base import ForwardProcess
from rgm_bench.objectives import MapObjective, Terms
from rgm_bench.optim import Adam
from rgm_bench.sampling.base import Network
from rgm_bench.training.base import TrainingStep, under
from rgm_bench.training.draws import Draws, HalfStepDraws
from rgm_bench.types import Observation, Sample, Scalar


@final
class RestorationStep(TrainingStep):
    """One step of the prior, then one of the generator that it teaches.

    Source: Choi et al. 2023, Algorithm 1, with the order of the published code: one step of the
    prior on fakes of the present generator, then one of the generator on fresh draws.

    Args:
        generator: the network that is trained.
        restore: how to call it: itself, or a compiled or lower-precision form of it.
        ema: its average.
        optimizer: its Adam.
        forward: the forward process.
        objective: what the generator lowers, and the prior in it.
        accumulation: micro-batches that a batch is computed in.
    """

    def __init__(
        self,
        *,
        generator: torch.nn.Module,
        restore: Network,
        ema: AveragedModel,
        optimizer: Adam,
        forward: ForwardProcess,
        objective: MapObjective,
        accumulation: int = 1,
    ) -> None:
        super().__init__(generator=generator, ema=ema, optimizer=optimizer)
        self.restore, self.forward, self.objective = restore, forward, objective
        self.networks = objective.prior.networks
        self.accumulation = accumulation

    def __call__(self, draws: Draws, *, step: int, decay: float) -> dict[str, Scalar]:
        """Do step number `step`, with `decay` of the learning rates left.

        Returns:
            The losses, detached: `generator_loss` with its parts `prior` and `fidelity`, and those
            that the prior reports.
        """
        losses = self._improve_prior(draws.x0, draws.prior, step, decay)
        losses |= self._improve_generator(draws.x0, draws.generator, decay)
        self.ema.update_parameters(self.generator)
        return losses

    def _observe(self, x0: Sample, draws: HalfStepDraws) -> tuple[Observation, Observation]:
        real = self.forward.sample(x0, draws.level, draws.noise)
        return real, self.forward.sample(x0, draws.level + 1, draws.noise_next)

    @torch.no_grad()
    def _fakes(self, y_next: Observation, draws: HalfStepDraws) -> Observation:
        x0_hat = self.restore(y_next, draws.level, draws.latent)
        return self.objective.fake(x0_hat, y_next, draws.level, draws.noise_fake)

    def _improve_prior(
        self, x0: Sample, draws: HalfStepDraws, step: int, decay: float
    ) -> dict[str, Scalar]:
        prior = self.objective.prior
        if not prior.learns:
            return {}
        real, y_next = self._observe(x0, draws)
        fake = self._fakes(y_next, draws)
        return dict(prior.improve(real, fake, draws.level, step=step, decay=decay))

    def _improve_generator(
        self, x0: Sample, draws: HalfStepDraws, decay: float
    ) -> dict[str, Scalar]:
        losses = {name: x0.new_zeros(()) for name in ("generator_loss", "prior", "fidelity")}
        for part in micro_batches(len(x0), self.accumulation):
            terms = self._terms(x0[part], draws.take(part))
            (terms.total / self.accumulation).backward()
            losses["generator_loss"] += terms.total.detach() / self.accumulation
            losses["prior"] += terms.prior.detach() / self.accumulation
            losses["fidelity"] += terms.fidelity.detach() / self.accumulation
        self.optimizer.step(decay)
        return losses

    def _terms(self, x0: Sample, draws: HalfStepDraws) -> Terms:
        real, y_next = self._observe(x0, draws)
        return self.objective.terms(
            x0_hat=self.restore(y_next, draws.level, draws.latent),
            real=real,
            y_next=y_next,
            level=draws.level,
            noise=draws.noise_fake,
        )

    def further_state(self) -> Mapping[str, Tensor]:
        """What the prior has learnt."""
        return {f"prior.{name}": t for name, t in self.objective.prior.state().items()}

    def load_further_state(self, state: Mapping[str, Tensor]) -> None:
        """Give the prior back what it had learnt."""
        self.objective.prior.load_state(under("prior.", state))
