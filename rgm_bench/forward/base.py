"""What a forward process is: a family of degradations from data to an end distribution."""

from abc import ABC, abstractmethod

import torch

from rgm_bench.types import Level, Observation, PerSample, Sample


def half_squared_norm(residual: Sample) -> PerSample:
    """Half the sum of the squares over the entries of each sample."""
    return residual.square().flatten(1).sum(1) / 2


class ForwardProcess(ABC):
    """Degrades clean data in `num_levels` levels, each drawn directly from the clean data.

    Level 0 is the data itself and level `num_levels` the end distribution, which holds (nearly)
    nothing of them. Observations have the size of the data at every level. All methods take the
    noise they use, unit normal and of the size of the data, so that they are functions.
    """

    num_levels: int

    @abstractmethod
    def sample(self, x0: Sample, level: Level, noise: Sample) -> Observation:
        """An observation of `x0` at `level`."""

    @abstractmethod
    def fidelity(self, x_hat: Sample, y: Observation, level: Level) -> PerSample:
        """Negative log-likelihood of `y`, observed at `level` > 0, given `x_hat`.

        Up to a constant, and summed over the entries of a sample, not averaged: its balance with
        a prior depends on the size of the data.
        """

    @abstractmethod
    def start(self, noise: Sample) -> Observation:
        """An observation from the end distribution."""

    @abstractmethod
    def to(self, device: torch.device) -> None:
        """Move the tables of levels to `device`."""
