"""The Kullback-Leibler prior: a discriminator's logit estimates the log ratio of densities."""

from collections.abc import Mapping
from typing import final

from torch import Tensor

from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.base import Prior
from rgm_bench.types import Level, Observation, PerSample, Scalar


def kld_penalty(logits: PerSample) -> PerSample:
    """log(1 - D) - log D at fakes, for D = sigmoid(logit): simply the negative logit.

    With the best discriminator its mean over fakes is KL(fake || real).

    Source: Choi et al. 2023, Sec. 3.2, the term g of the KLD prior.
    """
    return -logits


@final
class KldPrior(Prior):
    """The divergence KL(fake || real) at each level, as a discriminator estimates it.

    Args:
        adversary: the discriminator, and how it learns.
    """

    learns = True
    additive = True

    def __init__(self, *, adversary: Adversary) -> None:
        self.adversary = adversary
        self.networks = (adversary.discriminator,)

    def improve(
        self, real: Observation, fake: Observation, level: Level, *, step: int, decay: float
    ) -> Mapping[str, Scalar]:
        """One step of the discriminator on the logistic loss, with R1 where it is due."""
        return self.adversary.improve(real, fake, level, step=step, decay=decay)

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The mean negative logit of the fakes; the real observations are not looked at."""
        return kld_penalty(self.adversary.classify(fake, level)).mean()

    def state(self) -> Mapping[str, Tensor]:
        """The discriminator and its optimiser."""
        return self.adversary.state()

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.adversary.load_state(state)
