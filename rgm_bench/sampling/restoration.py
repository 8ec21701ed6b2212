"""Sampling with a network that restores: multi-level, or from degraded data in one go."""

from typing import Literal, assert_never, final

import torch

from rgm_bench.data.images import to_unit_range
from rgm_bench.forward.base import ForwardProcess
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.base import Network, Sampler
from rgm_bench.types import ByteImage, Level, Observation, Sample

Transition = Literal["resample", "ancestral", "deterministic"]


@final
class RestorationSampler(Sampler):
    """Restores the data, moves to the next cleaner level with the estimate, and again.

    Three ways to move on: `resample` degrades the estimate afresh, `ancestral` draws between the
    estimate and the observation as DDPM does, `deterministic` keeps the noise that the estimate
    leaves in the observation, as DDIM with eta 0 does. The last two are there for noise alone.
    At level 0 each gives the estimate itself, so the last estimate is the sample.

    Source: `resample` is Choi et al. 2023, Algorithm 2, with a factor on the noise from the
    published code; `ancestral` Ho et al. 2020, Eqs. (6) and (7); `deterministic` Song et al. 2021
    (DDIM), Eq. (12).

    Args:
        forward: the forward process that the generator was trained on.
        restore: the generator.
        latent: where z comes from, afresh at every step.
        event_shape: sizes of one sample.
        noise_factor: what the noise of each fresh degradation is multiplied with; the other
            transitions make none.
        transition: how to move on.

    Raises:
        ValueError: the forward process is not noise alone, and the transition is for that.
    """

    def __init__(
        self,
        *,
        forward: ForwardProcess,
        restore: Network,
        latent: LatentDistribution,
        event_shape: tuple[int, ...],
        noise_factor: float = 0.999,
        transition: Transition = "resample",
    ) -> None:
        if transition != "resample" and not isinstance(forward, NoiseForward):
            raise ValueError(f"transition {transition} needs a NoiseForward, not {forward}")
        self.forward, self.restore, self.latent = forward, restore, latent
        self.event_shape, self.noise_factor = event_shape, noise_factor
        self.transition: Transition = transition
        self.levels = tuple(range(forward.num_levels, -1, -1))

    def start(self, num: int, rng: torch.Generator) -> Observation:
        """Draws from the end distribution."""
        return self.forward.start(self._noise(num, rng))

    def step(self, y: Observation, level: Level, below: Level, rng: torch.Generator) -> Observation:
        """Restore from `level`, then move to `below`."""
        x0_hat = self.restore(y, level - 1, self.latent.draw(len(y), rng))
        match self.transition:
            case "resample":
                noise = self.noise_factor * self._noise(len(y), rng)
                return self.forward.sample(x0_hat, below, noise)
            case "ancestral":
                noise = self._noise(len(y), rng)
                return self._noise_forward.posterior_sample(x0_hat, y, below, noise)
            case "deterministic":
                return self._noise_forward.deterministic_step(x0_hat, y, below)
            case _:
                assert_never(self.transition)

    @property
    def _noise_forward(self) -> NoiseForward:
        assert isinstance(self.forward, NoiseForward)  # __init__ refuses others
        return self.forward

    def _noise(self, num: int, rng: torch.Generator) -> Sample:
        return torch.randn(num, *self.event_shape, generator=rng, device=rng.device)


@final
class OneShotRestoration(Sampler):
    """Restorations of degraded data, where the other samplers begin with nothing.

    Shows how well a generator restores from one level: with few levels of noise it has little to
    invent, and the samples of any good one look like data. Which data it degrades is drawn with
    each block, with replacement.

    Args:
        sampler: what restores.
        data: clean data; images of 0 to 255 are scaled to [-1, 1], points are used as they are.
            Looked up where they lie, which may be another device or a file mapped into memory.
        start_level: the level that the data are degraded to.
        single_step: whether the first estimate is the sample; otherwise `sampler` goes on from it,
            down its own levels.
    """

    def __init__(
        self,
        *,
        sampler: RestorationSampler,
        data: ByteImage | Sample,
        start_level: int,
        single_step: bool = True,
    ) -> None:
        self.sampler, self.data = sampler, data
        self.levels = (start_level, 0) if single_step else tuple(range(start_level, -1, -1))

    def start(self, num: int, rng: torch.Generator) -> Observation:
        """Degraded data."""
        chosen = torch.randint(len(self.data), (num,), generator=rng, device=rng.device)
        rows = self.data[chosen.to(self.data.device)].to(rng.device)
        x0 = to_unit_range(rows) if rows.dtype == torch.uint8 else rows
        level = torch.full((num,), self.levels[0], device=rng.device)
        noise = torch.randn(x0.shape, generator=rng, device=rng.device)
        return self.sampler.forward.sample(x0, level, noise)

    def step(self, y: Observation, level: Level, below: Level, rng: torch.Generator) -> Observation:
        """Restore from `level`, then move to `below`."""
        return self.sampler.step(y, level, below, rng)
