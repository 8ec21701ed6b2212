"""Noise schedules: how much signal and how much noise an observation holds at each level."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from rgm_bench.types import Level, Sample

BETA_MIN, BETA_MAX = 0.1, 20.0
FIRST_TIME = 1e-3
LINEAR_FIRST, LINEAR_LAST = 1e-4, 0.02

ScheduleKind = Literal["original", "square", "linear"]


@dataclass(frozen=True)
class Schedule:
    """Scales by level, from 0 (data: signal 1, noise 0) to the end distribution.

    `signal[k]` multiplies clean data and `sigma[k]` unit noise, with signal^2 + sigma^2 = 1;
    `step_variance[k - 1]` is the variance that the step from level k - 1 to k adds.
    """

    signal: Float[Tensor, " levels"]
    sigma: Float[Tensor, " levels"]
    step_variance: Float[Tensor, " steps"]

    @property
    def num_levels(self) -> int:
        """Levels above data."""
        return len(self.step_variance)

    def at(self, level: Level, like: Sample) -> tuple[Tensor, Tensor]:
        """Signal and sigma for each sample, to be multiplied with `like`."""
        return at_level(self.signal, level, like), at_level(self.sigma, level, like)

    def to(self, device: torch.device) -> "Schedule":
        """The same tables on `device`."""
        signal, sigma = self.signal.to(device), self.sigma.to(device)
        return Schedule(signal, sigma, self.step_variance.to(device))


def at_level(table: Float[Tensor, " levels"], level: Level, like: Sample) -> Tensor:
    """One number of `table` for each sample, to be multiplied with `like`."""
    return table.to(like.dtype)[level].reshape(-1, *[1] * (like.ndim - 1))


def variance_preserving(num_levels: int, kind: ScheduleKind) -> Schedule:
    """The schedule of a kind: signal falls from 1 and signal^2 + sigma^2 stays 1.

    Args:
        num_levels: levels above data.
        kind: `original` is the variance preserving diffusion of Song et al. 2021, stopped at
            equally spaced times; `square` squares the times, which puts more of the levels near
            data; `linear` is that of DDPM, whose one-step variances grow linearly.

    Raises:
        ValueError: `linear` with too few levels.
    """
    if kind == "linear":
        return _from_steps(_linear_steps(num_levels))
    return _stopped_diffusion(num_levels, squared=kind == "square")


def _stopped_diffusion(num_levels: int, *, squared: bool) -> Schedule:
    """The diffusion of Song et al. 2021 at equally spaced times, or at their squares.

    Source: Choi et al. 2023, Sec. 4, and its published code, whose order of rounding this keeps:
    one-step variances in float64, cast to float32, then multiplied up in float32. So the signal at
    the last level differs between `num_levels` in the fourth digit, as it does there.
    """
    steps = torch.arange(num_levels + 1, dtype=torch.float64)
    time = steps / num_levels * (1 - FIRST_TIME) + FIRST_TIME
    if squared:
        time = time.square()
    log_signal = -0.25 * time.square() * (BETA_MAX - BETA_MIN) - 0.5 * time * BETA_MIN
    signal_power = torch.exp(2 * log_signal)
    return _from_steps((1 - signal_power[1:] / signal_power[:-1]).float())


def _linear_steps(num_levels: int) -> Float[Tensor, " steps"]:
    """One-step variances from 1e-4 to 0.02 at 1000 levels, in float64.

    At other numbers of levels they are scaled so that the whole chain loses about as much signal.

    Source: Ho et al. 2020 (DDPM), Sec. 4; the scaling is from Nichol and Dhariwal 2021.
    """
    scale = 1000 / num_levels
    if scale * LINEAR_LAST >= 1:
        raise ValueError(
            f"a linear schedule with {num_levels} levels has a step that adds a variance of 1 or "
            f"more; take at least {int(1000 * LINEAR_LAST) + 1} levels, or another schedule"
        )
    return torch.linspace(
        scale * LINEAR_FIRST, scale * LINEAR_LAST, num_levels, dtype=torch.float64
    )


def _from_steps(step_variance: Float[Tensor, " steps"]) -> Schedule:
    """The tables in float32, computed in the precision of the one-step variances."""
    one = torch.ones(1, dtype=step_variance.dtype)
    signal = torch.cat([one, torch.cumprod((1 - step_variance).sqrt(), dim=0)])
    sigma = (1 - signal.square()).sqrt()
    return Schedule(signal.float(), sigma.float(), step_variance.float())
