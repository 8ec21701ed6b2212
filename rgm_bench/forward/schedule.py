"""Noise schedules: how much signal and how much noise an observation holds at each level."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

BETA_MIN, BETA_MAX = 0.1, 20.0
FIRST_TIME = 1e-3


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


def variance_preserving(num_levels: int, kind: Literal["original", "square"]) -> Schedule:
    """The variance preserving diffusion of Song et al. 2021, stopped at equally spaced times.

    `square` squares the times, which puts more of the levels near data.

    Source: Choi et al. 2023, Sec. 4, and its published code, whose order of rounding this keeps:
    one-step variances in float64, cast to float32, then multiplied up in float32. So the signal at
    the last level differs between `num_levels` in the fourth digit, as it does there.
    """
    steps = torch.arange(num_levels + 1, dtype=torch.float64)
    time = steps / num_levels * (1 - FIRST_TIME) + FIRST_TIME
    if kind == "square":
        time = time.square()
    log_signal = -0.25 * time.square() * (BETA_MAX - BETA_MIN) - 0.5 * time * BETA_MIN
    signal_power = torch.exp(2 * log_signal)
    step_variance = (1 - signal_power[1:] / signal_power[:-1]).float()
    signal = torch.cat([torch.ones(1), torch.cumprod((1 - step_variance).sqrt(), dim=0)])
    return Schedule(signal, (1 - signal.square()).sqrt(), step_variance)
