"""Degradation by noise alone: y = signal * x0 + sigma * noise."""

from typing import Literal, final

import torch
from torch import Tensor

from rgm_bench.forward.base import ForwardProcess
from rgm_bench.forward.schedule import Schedule, variance_preserving
from rgm_bench.types import Level, Observation, PerSample, Sample


def _at(table: Tensor, level: Level, like: Sample) -> Tensor:
    """One number of `table` for each sample, to be multiplied with `like`."""
    return table.to(like.dtype)[level].reshape(-1, *[1] * (like.ndim - 1))


def _half_squared_norm(residual: Sample) -> PerSample:
    return residual.square().flatten(1).sum(1) / 2


@final
class NoiseForward(ForwardProcess):
    """Scales the data down and adds Gaussian noise; the restoration that is DDPM's denoising.

    Source: Choi et al. 2023, Sec. 3, with A = signal * identity and Sigma = sigma^2 * identity.

    Args:
        num_levels: levels above data.
        schedule: how they are spaced.
    """

    def __init__(
        self, num_levels: int, schedule: Literal["original", "square"] = "original"
    ) -> None:
        self.num_levels = num_levels
        self.schedule = variance_preserving(num_levels, schedule)

    def to(self, device: torch.device) -> None:
        """Move the tables of levels to `device`."""
        tables = self.schedule
        self.schedule = Schedule(
            tables.signal.to(device), tables.sigma.to(device), tables.step_variance.to(device)
        )

    def sample(self, x0: Sample, level: Level, noise: Sample) -> Observation:
        """Signal * x0 + sigma * noise."""
        signal, sigma = _at(self.schedule.signal, level, x0), _at(self.schedule.sigma, level, x0)
        return signal * x0 + sigma * noise

    def fidelity(self, x_hat: Sample, y: Observation, level: Level) -> PerSample:
        """Half the squared distance of `y` from signal * x_hat, in units of sigma."""
        signal, sigma = _at(self.schedule.signal, level, y), _at(self.schedule.sigma, level, y)
        return _half_squared_norm((y - signal * x_hat) / sigma)

    def start(self, noise: Sample) -> Observation:
        """Unit noise: the signal that is left at the last level is ignored, as published."""
        return noise

    def posterior_sample(
        self, x_hat: Sample, y_next: Observation, level: Level, noise: Sample
    ) -> Observation:
        """A draw from the Gaussian q(y_level | x_hat, y_next). At level 0 it is `x_hat` itself.

        Source: Ho et al. 2020 (DDPM), Eqs. (6) and (7).
        """
        variance = _at(self.schedule.step_variance, level, y_next)
        signal = _at(self.schedule.signal, level, y_next)
        power = _at(self.schedule.sigma.square(), level, y_next)
        power_next = _at(self.schedule.sigma.square(), level + 1, y_next)
        mean = signal * variance * x_hat + (1 - variance).sqrt() * power * y_next
        return mean / power_next + (variance * power / power_next).sqrt() * noise

    def step_fidelity(self, y: Observation, y_next: Observation, level: Level) -> PerSample:
        """Half the squared distance of `y_next` from the mean of one step, in its own sigma."""
        variance = _at(self.schedule.step_variance, level, y)
        return _half_squared_norm((y_next - (1 - variance).sqrt() * y) / variance.sqrt())
