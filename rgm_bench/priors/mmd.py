"""Maximum mean discrepancy: how far apart two samples are for a kernel, on data or on features."""

from collections.abc import Mapping, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.base import Prior
from rgm_bench.priors.root import root
from rgm_bench.types import Level, Observation, Scalar


def squared_mmd(
    a: Float[Tensor, "m dim"], b: Float[Tensor, "n dim"], bandwidths: Sequence[float]
) -> Scalar:
    """MMD^2 of two samples for the sum over `bandwidths` s of exp(-|a - b|^2 / (2 s^2)).

    Biased: a sample's pairs with itself count, so that it is never negative but for rounding and
    of order 1/m + 1/n for two samples of one distribution.

    We subtract from the kernel its value at zero distance. That changes nothing, since the weights
    of all pairs sum to zero, but near pairs keep digits which sums of ones would round away.

    Source: Gretton et al. 2012, Eq. (5), for their square.
    """
    centre = torch.cat([a, b]).mean(0).detach()  # large norms would round small distances away
    a, b = a - centre, b - centre
    within = _kernel(a, a, bandwidths).mean() + _kernel(b, b, bandwidths).mean()
    return within - 2 * _kernel(a, b, bandwidths).mean()


def _kernel(
    a: Float[Tensor, "m dim"], b: Float[Tensor, "n dim"], bandwidths: Sequence[float]
) -> Float[Tensor, "m n"]:
    """The kernel of each pair, less its value at zero distance; no tensor of size m n dim."""
    norms = a.square().sum(1)[:, None] + b.square().sum(1)
    squared_distance = (norms - 2 * a @ b.T).clamp(min=0)
    # one after the other: a stack of all kernels would be too large for the processor's caches
    total = torch.zeros_like(squared_distance)
    for s in bandwidths:
        total = total + torch.expm1(-squared_distance / (2 * s**2))
    return total


def mmd(
    fake: Float[Tensor, "m dim"], real: Float[Tensor, "n dim"], bandwidths: Sequence[float]
) -> Scalar:
    """The root of `squared_mmd`, zero where rounding made that negative.

    Where MMD^2 is positive this is the published loss. At zero, of which the reference vectors say
    nothing, the published root has no gradient; ours is zero there.

    Source: Choi et al. 2023, the MMD prior.
    """
    return root(squared_mmd(fake, real, bandwidths), 2.0)


@final
class FixedMmdPrior(Prior):
    """MMD between the observations themselves, each flattened to one row. Nothing is learnt.

    One distance for the whole batch: the kernel does not see levels, and compares the mixture of
    fakes over levels with that of reals. It is the same arithmetic as of the published prior on
    features, where the features know their level. Batches are compared whole.

    Source: Choi et al. 2023, toy experiments.

    Args:
        bandwidths: standard deviations of the kernels that are summed, in units of the data.
    """

    def __init__(self, *, bandwidths: Sequence[float]) -> None:
        self.bandwidths = tuple(bandwidths)

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The root of MMD^2 of the batch."""
        return mmd(fake.flatten(1), real.flatten(1), self.bandwidths)


@final
class FeatureMmdPrior(Prior):
    """MMD between the features of a discriminator that learns to tell fakes from reals.

    The discriminator learns as for the KLD prior; the generator sees only distances of features,
    flattened to one row a sample. As published, a batch mixes levels and gives one distance: pairs
    of different levels are compared too, and levels count through the features alone, which the
    discriminator computes knowing them. Batches are compared whole.

    Source: Choi et al. 2023, the MMD prior, after Li et al. 2017 (MMD GAN).

    Args:
        adversary: the discriminator, and how it learns.
        bandwidths: standard deviations of the kernels that are summed, in units of the features.
    """

    learns = True

    def __init__(self, *, adversary: Adversary, bandwidths: Sequence[float]) -> None:
        self.adversary = adversary
        self.networks = (adversary.discriminator,)
        self.bandwidths = tuple(bandwidths)

    def improve(
        self, real: Observation, fake: Observation, level: Level, *, step: int, decay: float
    ) -> Mapping[str, Scalar]:
        """One step of the discriminator on the logistic loss, with R1 where it is due."""
        return self.adversary.improve(real, fake, level, step=step, decay=decay)

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The root of MMD^2 between the features of the batch."""
        features = self.adversary.features
        return mmd(features(fake, level), features(real, level), self.bandwidths)

    def state(self) -> Mapping[str, Tensor]:
        """The discriminator and its optimiser."""
        return self.adversary.state()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.adversary.load_state(state)
