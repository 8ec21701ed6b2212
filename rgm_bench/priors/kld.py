"""The Kullback-Leibler prior: a discriminator's logit estimates the log ratio of densities."""

from collections.abc import Callable, Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from rgm_bench.batching import micro_batches
from rgm_bench.optim import Adam
from rgm_bench.priors.base import Prior
from rgm_bench.types import Level, Observation, PerSample, Scalar

Classify = Callable[[Observation, Level], PerSample]


def kld_penalty(logits: PerSample) -> PerSample:
    """log(1 - D) - log D at fakes, for D = sigmoid(logit): simply the negative logit.

    With the best discriminator its mean over fakes is KL(fake || real).

    Source: Choi et al. 2023, Sec. 3.2, the term g of the KLD prior.
    """
    return -logits


def logistic_loss(real_logits: PerSample, fake_logits: PerSample) -> Scalar:
    """The loss that the discriminator lowers: softplus(-real) + softplus(fake), means over each.

    Source: Goodfellow et al. 2014, Eq. (1), with the sign of a loss.
    """
    return functional.softplus(-real_logits).mean() + functional.softplus(fake_logits).mean()


def r1_penalty(real_logits: PerSample, real: Observation, weight: float) -> Scalar:
    """Weight / 2 times the squared norm of the logit's gradient at `real`, mean over the batch.

    `real` must require gradients and `real_logits` depend on it; the result can be differentiated.

    Source: Mescheder et al. 2018, Eq. (9).
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return weight / 2 * gradient.square().flatten(1).sum(1).mean()


@final
class KldPrior(Prior):
    """A discriminator trained beside the generator, one step each.

    R1 is lazy: added on every `r1_every`-th step, the first included, and not scaled up for the
    steps without it, as published.

    Args:
        discriminator: the network; one logit for each observation and level.
        optimizer: its Adam.
        r1_weight: gamma of the R1 penalty; 0 leaves it out.
        r1_every: steps from one penalty to the next.
        accumulation: micro-batches that a batch is computed in.
        classify: how to call the discriminator where no second derivative is taken: itself, or a
            compiled or lower-precision form of it.
    """

    def __init__(
        self,
        *,
        discriminator: nn.Module,
        optimizer: Adam,
        r1_weight: float,
        r1_every: int,
        accumulation: int = 1,
        classify: Classify | None = None,
    ) -> None:
        self.discriminator = discriminator
        self.networks = (discriminator,)
        self.optimizer = optimizer
        self.r1_weight, self.r1_every = r1_weight, r1_every
        self.accumulation = accumulation
        self.classify = classify or discriminator
        # frozen outside `improve`, so that the generator's step computes no gradients for it
        discriminator.requires_grad_(False)

    def improve(
        self, real: Observation, fake: Observation, level: Level, *, step: int, decay: float
    ) -> Mapping[str, Scalar]:
        """One step of the discriminator on the logistic loss, with R1 where it is due."""
        self.discriminator.requires_grad_(True)
        penalised = self.r1_weight > 0 and step % self.r1_every == 0
        losses = {"discriminator_loss": real.new_zeros(())}
        if penalised:
            losses["r1"] = real.new_zeros(())
        for part in micro_batches(len(real), self.accumulation):
            self._accumulate(real[part], fake[part], level[part], penalised, losses)
        self.optimizer.step(decay)
        self.discriminator.requires_grad_(False)
        return losses

    def _accumulate(
        self,
        real: Observation,
        fake: Observation,
        level: Level,
        penalised: bool,
        losses: dict[str, Scalar],
    ) -> None:
        real = real.detach().requires_grad_(penalised)
        real_logits = (self.discriminator if penalised else self.classify)(real, level)
        loss = logistic_loss(real_logits, self.classify(fake.detach(), level)) / self.accumulation
        losses["discriminator_loss"] += loss.detach()
        if penalised:
            penalty = r1_penalty(real_logits, real, self.r1_weight) / self.accumulation
            losses["r1"] += penalty.detach()
            loss = loss + penalty
        loss.backward()

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The mean negative logit of the fakes; the real observations are not looked at."""
        return kld_penalty(self.classify(fake, level)).mean()

    def state(self) -> Mapping[str, Tensor]:
        """The discriminator and its optimiser."""
        networks = {f"discriminator.{k}": v for k, v in self.discriminator.state_dict().items()}
        return networks | {f"optimizer.{k}": v for k, v in self.optimizer.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.discriminator.load_state_dict(_under("discriminator.", state))
        self.optimizer.load_state(_under("optimizer.", state))


def _under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
