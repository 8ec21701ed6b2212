"""The discriminator that priors learn with: trained to tell real observations from fakes."""

from collections.abc import Callable, Mapping, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from rgm_bench.batching import micro_batches
from rgm_bench.optim import Adam
from rgm_bench.types import Level, Observation, PerSample, Scalar

Features = Float[Tensor, " batch feature"]
"""What a layer makes of each sample, as one row."""

Classify = Callable[[Observation, Level], PerSample]
Extract = Callable[[Observation, Level], Float[Tensor, " batch *feature"]]


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
class Adversary:
    """A discriminator trained beside the generator, one step each.

    R1 is lazy: added on every `r1_every`-th step, the first included, and not scaled up for the
    steps without it, as published.

    Args:
        discriminator: the network; one logit for each observation and level, and for priors on
            features a method `features` of the same arguments.
        optimizer: its Adam.
        r1_weight: gamma of the R1 penalty; 0 leaves it out.
        r1_every: steps from one penalty to the next.
        accumulation: micro-batches that a batch is computed in while it learns.
        classify: how to call the discriminator where no second derivative is taken: itself, or a
            compiled or lower-precision form of it.
        extract: how to call its `features`, likewise.
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
        extract: Extract | None = None,
    ) -> None:
        self.discriminator = discriminator
        self.optimizer = optimizer
        self.r1_weight, self.r1_every = r1_weight, r1_every
        self.accumulation = accumulation
        self.classify = classify or discriminator
        self._extract: Extract | None = extract or getattr(discriminator, "features", None)
        # frozen outside `improve`, so that the generator's step computes no gradients for it
        discriminator.requires_grad_(False)

    def features(self, x: Observation, level: Level) -> Features:
        """What the discriminator's last layers see of each observation, one row each.

        Raises:
            TypeError: the discriminator has no features.
        """
        if self._extract is None:
            raise TypeError(
                f"{type(self.discriminator).__name__} has no method features(x, level), which a "
                "prior on features needs: add it, or hand one to Adversary as `extract`"
            )
        return self._extract(x, level).flatten(1)

    @torch.no_grad()
    def feature_size(self, event_shape: Sequence[int]) -> int:
        """Entries of the features of one observation of this shape."""
        device = next(self.discriminator.parameters()).device
        level = torch.zeros(1, dtype=torch.int64, device=device)
        return self.features(torch.zeros(1, *event_shape, device=device), level).shape[1]

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

    def state(self) -> dict[str, Tensor]:
        """The discriminator and its optimiser, by name."""
        networks = {f"discriminator.{k}": v for k, v in self.discriminator.state_dict().items()}
        return networks | {f"optimizer.{k}": v for k, v in self.optimizer.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned; there may be other names in `state` too."""
        self.discriminator.load_state_dict(under("discriminator.", state))
        self.optimizer.load_state(under("optimizer.", state))


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
