"""Multi-level sampling of restoration based models."""

from collections.abc import Callable
from typing import final

import torch

from rgm_bench.forward.base import ForwardProcess
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.base import Sampler
from rgm_bench.types import Latent, Level, Observation, Sample

Restore = Callable[[Observation, Level, Latent], Sample]
"""A generator: observation, the level below it, latent -> estimate of the clean data."""


@final
class RestorationSampler(Sampler):
    """Restores the data, degrades the estimate to the next cleaner level, and again.

    At level 0 a degradation is the identity, so the last estimate is the sample.

    Source: Choi et al. 2023, Algorithm 2; the factor on the noise is from the published code.

    Args:
        forward: the forward process that the generator was trained on.
        restore: the generator.
        latent: where z comes from, afresh at every step.
        event_shape: sizes of one sample.
        noise_factor: what the noise of each degradation is multiplied with.
    """

    def __init__(
        self,
        *,
        forward: ForwardProcess,
        restore: Restore,
        latent: LatentDistribution,
        event_shape: tuple[int, ...],
        noise_factor: float = 0.999,
    ) -> None:
        self.forward, self.restore, self.latent = forward, restore, latent
        self.event_shape, self.noise_factor = event_shape, noise_factor
        self.levels = tuple(range(forward.num_levels, -1, -1))

    def start(self, num: int, rng: torch.Generator) -> Observation:
        """Draws from the end distribution."""
        return self.forward.start(self._noise(num, rng))

    def step(self, y: Observation, level: Level, below: Level, rng: torch.Generator) -> Observation:
        """Restore from `level`, then degrade to `below`."""
        x0_hat = self.restore(y, below, self.latent.draw(len(y), rng))
        return self.forward.sample(x0_hat, below, self.noise_factor * self._noise(len(y), rng))

    def _noise(self, num: int, rng: torch.Generator) -> Sample:
        return torch.randn(num, *self.event_shape, generator=rng, device=rng.device)
