"""What the generator lowers: prior + fidelity_weight * fidelity, and the fakes that it is about."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

from rgm_bench.forward.base import ForwardProcess
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.priors.base import Prior
from rgm_bench.types import Level, Observation, PerSample, Sample, Scalar


@dataclass(frozen=True)
class Terms:
    """The parts of the objective, each a mean over the batch, and their weighted sum."""

    prior: Scalar
    fidelity: Scalar
    total: Scalar


class MapObjective(ABC):
    """Maximum a posteriori restoration, with a prior on observations one level cleaner.

    Source: Choi et al. 2023, Eq. (7); we weigh the fidelity as the published code does, where the
    paper weighs the prior: paper_lambda = 1 / fidelity_weight.

    Args:
        prior: how far fakes are from real observations.
        fidelity_weight: weight of the fidelity; 0 leaves the prior alone.
    """

    def __init__(self, *, prior: Prior, fidelity_weight: float) -> None:
        self.prior = prior
        self.fidelity_weight = fidelity_weight

    @abstractmethod
    def fake(self, x0_hat: Sample, y_next: Observation, level: Level, noise: Sample) -> Observation:
        """A fake observation at `level` from an estimate restored from `y_next`."""

    @abstractmethod
    def fidelity(
        self, x0_hat: Sample, fake: Observation, y_next: Observation, level: Level
    ) -> PerSample:
        """How badly the restoration explains `y_next`, one level above `level`."""

    @final
    def terms(
        self,
        *,
        x0_hat: Sample,
        real: Observation,
        y_next: Observation,
        level: Level,
        noise: Sample,
    ) -> Terms:
        """The objective of one batch.

        Args:
            x0_hat: the generator's estimates from `y_next`.
            real: observations of the data at `level`.
            y_next: observations of the data at `level` + 1.
            level: 0 to `num_levels - 1`, for each sample.
            noise: the draw of the fake observations.
        """
        fake = self.fake(x0_hat, y_next, level, noise)
        prior = self.prior.penalty(fake, real, level)
        fidelity = self.fidelity(x0_hat, fake, y_next, level).mean()
        return Terms(prior, fidelity, prior + self.fidelity_weight * fidelity)


@final
class ResampleObjective(MapObjective):
    """Fakes are fresh degradations of the estimate; fidelity is of the estimate itself.

    Args:
        forward: the forward process.
        prior: how far fakes are from real observations.
        fidelity_weight: weight of the fidelity.
    """

    def __init__(self, *, forward: ForwardProcess, prior: Prior, fidelity_weight: float) -> None:
        super().__init__(prior=prior, fidelity_weight=fidelity_weight)
        self.forward = forward

    def fake(self, x0_hat: Sample, y_next: Observation, level: Level, noise: Sample) -> Observation:
        """A degradation of the estimate that knows nothing of `y_next`."""
        return self.forward.sample(x0_hat, level, noise)

    def fidelity(
        self, x0_hat: Sample, fake: Observation, y_next: Observation, level: Level
    ) -> PerSample:
        """Negative log-likelihood of `y_next` given the estimate."""
        return self.forward.fidelity(x0_hat, y_next, level + 1)


@final
class PosteriorObjective(MapObjective):
    """Fakes are drawn between the estimate and `y_next`; fidelity is of that one step.

    Source: the optional posterior mode of the published code, after Ho et al. 2020.

    Args:
        forward: the forward process; only noise has the posterior in closed form.
        prior: how far fakes are from real observations.
        fidelity_weight: weight of the fidelity.
    """

    def __init__(self, *, forward: NoiseForward, prior: Prior, fidelity_weight: float) -> None:
        super().__init__(prior=prior, fidelity_weight=fidelity_weight)
        self.forward = forward

    def fake(self, x0_hat: Sample, y_next: Observation, level: Level, noise: Sample) -> Observation:
        """A draw of the cleaner observation given the estimate and `y_next`."""
        return self.forward.posterior_sample(x0_hat, y_next, level, noise)

    def fidelity(
        self, x0_hat: Sample, fake: Observation, y_next: Observation, level: Level
    ) -> PerSample:
        """Negative log-likelihood of `y_next` given the fake one level below it."""
        return self.forward.step_fidelity(fake, y_next, level)
