"""Degradation by noise alone: y = signal * x0 + sigma * noise."""

from typing import final

import torch

from rgm_bench.forward.base import ForwardProcess, half_squared_norm
from rgm_bench.forward.schedule import ScheduleKind, at_level, variance_preserving
from rgm_bench.types import Level, Observation, PerSample, Sample


@final
class NoiseForward(ForwardProcess):
    """Scales the data down and adds Gaussian noise; the restoration that is DDPM's denoising.

    Source: Choi et al. 2023, Sec. 3, with A = signal * identity and Sigma = sigma^2 * identity.

    Args:
        num_levels: levels above data.
        schedule: how they are spaced.
    """

    def __init__(self, num_levels: int, schedule: ScheduleKind = "original") -> None:
        self.num_levels = num_levels
        self.schedule = variance_preserving(num_levels, schedule)

    def to(self, device: torch.device) -> None:
        """Move the tables of levels to `device`."""
        self.schedule = self.schedule.to(device)

    def sample(self, x0: Sample, level: Level, noise: Sample) -> Observation:
        """Signal * x0 + sigma * noise."""
        signal, sigma = self.schedule.at(level, x0)
        return signal * x0 + sigma * noise

    def fidelity(self, x_hat: Sample, y: Observation, level: Level) -> PerSample:
        """Half the squared distance of `y` from signal * x_hat, in units of sigma."""
        signal, sigma = self.schedule.at(level, y)
        return half_squared_norm((y - signal * x_hat) / sigma)

    def start(self, noise: Sample) -> Observation:
        """Unit noise: the signal that is left at the last level is ignored, as published."""
        return noise

    def posterior_sample(
        self, x_hat: Sample, y_next: Observation, level: Level, noise: Sample
    ) -> Observation:
        """A draw from the Gaussian q(y_level | x_hat, y_next). At level 0 it is `x_hat` itself.

        Source: Ho et al. 2020 (DDPM), Eqs. (6) and (7).
        """
        variance = at_level(self.schedule.step_variance, level, y_next)
        signal = at_level(self.schedule.signal, level, y_next)
        power = at_level(self.schedule.sigma.square(), level, y_next)
        power_next = at_level(self.schedule.sigma.square(), level + 1, y_next)
        mean = signal * variance * x_hat + (1 - variance).sqrt() * power * y_next
        drawn = mean / power_next + (variance * power / power_next).sqrt() * noise
        # where the first step is small, rounding makes `variance / power_next` other than 1
        return torch.where(power == 0, x_hat, drawn)

    def step_fidelity(self, y: Observation, y_next: Observation, level: Level) -> PerSample:
        """Half the squared distance of `y_next` from the mean of one step, in its own sigma."""
        variance = at_level(self.schedule.step_variance, level, y)
        return half_squared_norm((y_next - (1 - variance).sqrt() * y) / variance.sqrt())

    def deterministic_step(self, x_hat: Sample, y_next: Observation, level: Level) -> Observation:
        """The observation one level cleaner with the same noise in it. At level 0 it is `x_hat`.

        The noise is what `x_hat` leaves of `y_next`.

        Source: Song et al. 2021 (DDIM), Eq. (12) with eta 0.
        """
        signal, sigma = self.schedule.at(level, y_next)
        signal_next, sigma_next = self.schedule.at(level + 1, y_next)
        return signal * x_hat + sigma * (y_next - signal_next * x_hat) / sigma_next
