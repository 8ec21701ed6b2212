"""Degradation by noise and by halving: the forward processes of super-resolution.

With P_n the means over blocks of 2^n x 2^n pixels, each put over its whole block,

    y = P_n(signal * x0 + noise_std * noise)

where all but the noise depend on the level. So the noise of a coarse pixel is the mean of the
unit normal draws in its block times noise_std, and has the standard deviation noise_std / 2^n.
"""

from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from rgm_bench.forward.base import ForwardProcess, half_squared_norm
from rgm_bench.forward.operators import BlockAverage, Projection
from rgm_bench.forward.schedule import ScheduleKind, at_level, variance_preserving
from rgm_bench.types import Level, Observation, PerSample, Sample


class Downsampling(ForwardProcess):
    """Noise and block means whose strengths are tables over levels, from 0 (data) upwards.

    Args:
        signal: what multiplies the data.
        noise_std: what multiplies the noise before means are taken.
        halvings: the number n of times that height and width are halved; never falls.
        fidelity_std: what the residual of every pixel is divided by.
        start_std: `noise_std` of the end distribution.
    """

    def __init__(
        self,
        *,
        signal: Float[Tensor, " levels"],
        noise_std: Float[Tensor, " levels"],
        halvings: Int64[Tensor, " levels"],
        fidelity_std: Float[Tensor, " levels"],
        start_std: float,
    ) -> None:
        self.num_levels = len(signal) - 1
        self.signal, self.noise_std, self.halvings = signal, noise_std, halvings
        self.fidelity_std, self.start_std = fidelity_std, start_std
        factors = (2**n for n in range(1, int(halvings[-1]) + 1))
        self._projections = tuple(Projection(BlockAverage(factor)) for factor in factors)

    @property
    def std(self) -> Float[Tensor, " levels"]:
        """The standard deviation of the noise in a pixel of an observation, by level."""
        return self.noise_std / 2**self.halvings

    @abstractmethod
    def most_levels(self, halvings: int) -> int:
        """The number of levels that fit images which can be halved so many times."""

    @final
    def to(self, device: torch.device) -> None:
        """Move the tables of levels to `device`."""
        self.signal, self.noise_std = self.signal.to(device), self.noise_std.to(device)
        self.halvings = self.halvings.to(device)
        self.fidelity_std = self.fidelity_std.to(device)

    @final
    def sample(self, x0: Sample, level: Level, noise: Sample) -> Observation:
        """Block means of signal * x0 + noise_std * noise, at the size of `x0`.

        Raises:
            ValueError: `x0` are no images, or cannot be halved as often as the last level asks.
        """
        signal, noise_std = (at_level(table, level, x0) for table in (self.signal, self.noise_std))
        return self._block_means(signal * x0 + noise_std * noise, level)

    @final
    def fidelity(self, x_hat: Sample, y: Observation, level: Level) -> PerSample:
        """Half the squared distance of `y` from the block means, in units of fidelity_std.

        Summed over the pixels of the observation, which repeat each mean 4^n times.
        """
        mean = self._block_means(at_level(self.signal, level, y) * x_hat, level)
        return half_squared_norm((y - mean) / at_level(self.fidelity_std, level, y))

    @final
    def start(self, noise: Sample) -> Observation:
        """Block means of start_std * noise: the signal left at the last level is ignored."""
        last = self.halvings[-1].expand(len(noise))
        return self._halved(self.start_std * noise, last)

    def _block_means(self, x: Sample, level: Level) -> Sample:
        return self._halved(x, self.halvings[level])

    def _halved(self, x: Sample, halvings: Int64[Tensor, " batch"]) -> Sample:
        """P_n x with an n for each sample, without asking the device which of them there are."""
        self._require_fit(x)
        halvings = halvings.reshape(-1, 1, 1, 1)
        for n, projection in enumerate(self._projections, start=1):
            x = torch.where(halvings >= n, projection.apply(x), x)  # P_n x = P_n P_(n-1) x
        return x

    def _require_fit(self, x: Sample) -> None:
        if x.ndim != 4:
            raise ValueError(
                f"samples of shape {tuple(x.shape[1:])}; super-resolution needs images of "
                "channels x height x width"
            )
        height, width = x.shape[-2:]
        fitting = _halvings_of(height, width)
        if len(self._projections) > fitting:
            raise ValueError(
                f"images of {height}x{width} can be halved {fitting} times, but "
                f"{self.num_levels} levels of super-resolution halve them "
                f"{len(self._projections)} times; at most {self.most_levels(fitting)} levels fit"
            )


@final
class SplitSuperResolution(Downsampling):
    """Odd levels add noise and even ones take means of 2x2 blocks, one after the other.

    The noise added before the i-th means is 2^i times that of a schedule, so that the means bring
    it back to at most twice the schedule's: `std` stays between 0.69 and 2 at the published seven
    levels of the original schedule, however small the image has become.

    `fidelity_std` is `std`, so the sum over repeated pixels is 4^n times the negative
    log-likelihood. At the true image it is half the number of pixels on average, at every level.

    Source: Choi et al. 2023, the SR process, with the tables of the published code. Its start takes
    the last sigma of the schedule for 1, as here.

    Args:
        num_levels: levels above data, odd or even; the image is halved `num_levels // 2` times.
        schedule: of the noise.

    Raises:
        ValueError: fewer levels than one.
    """

    def __init__(self, num_levels: int = 7, schedule: ScheduleKind = "original") -> None:
        _require_levels(num_levels)
        level = torch.arange(num_levels + 1)
        rung, halvings = (level + 1) // 2, level // 2
        tables = variance_preserving(int(rung[-1]), schedule)
        noise_std = 2**rung * tables.sigma[rung]
        super().__init__(
            signal=tables.signal[rung],
            noise_std=noise_std,
            halvings=halvings,
            fidelity_std=noise_std / 2**halvings,
            start_std=2.0 ** int(rung[-1]),
        )

    def most_levels(self, halvings: int) -> int:
        """Two levels a halving, and one more that adds noise."""
        return 2 * halvings + 1


@final
class NaiveSuperResolution(Downsampling):
    """Every level adds noise and takes means of 2x2 blocks, both at once.

    The noise is that of the schedule before means are taken, which leave 1 / 2^n of it: an
    observation of the last level is nearly black, not unit noise.

    `fidelity_std` is the schedule's sigma, 2^n times `std`. That makes up for the repeated pixels,
    so the fidelity is the negative log-likelihood itself.

    Source: Choi et al. 2023, the ablation of the split schedule, with the tables of the
    published code. Its start takes the last sigma for 1, as here.

    Args:
        num_levels: levels above data, and the number of times that the image is halved.
        schedule: of the noise.

    Raises:
        ValueError: fewer levels than one.
    """

    def __init__(self, num_levels: int = 3, schedule: ScheduleKind = "original") -> None:
        _require_levels(num_levels)
        tables = variance_preserving(num_levels, schedule)
        super().__init__(
            signal=tables.signal,
            noise_std=tables.sigma,
            halvings=torch.arange(num_levels + 1),
            fidelity_std=tables.sigma,
            start_std=1.0,
        )

    def most_levels(self, halvings: int) -> int:
        """One level a halving."""
        return halvings


def _require_levels(num_levels: int) -> None:
    if num_levels < 1:
        raise ValueError(f"{num_levels} levels of super-resolution; the least is 1")


def _halvings_of(height: int, width: int) -> int:
    """How often both sizes can be divided by two."""
    common = height | width  # has the zeros at its end that both have
    return (common & -common).bit_length() - 1
