"""The loop over levels, once; a sampler is a step of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import pairwise
from typing import final

import torch

from rgm_bench.types import Latent, Level, Observation, Sample

Network = Callable[[Observation, Level, Latent], Sample]
"""What samplers call: observation, one less than its level, latent -> what it was trained to
predict, the clean data or the noise in the observation."""


class Sampler(ABC):
    """Generates samples, from observations at the first of its levels down to data.

    `levels` falls from the level that `start` draws at to 0, not always in steps of one. All
    randomness comes from the generator that `sample` is given, so the same seed gives the same
    samples.

    One of your own in a study in Python is made with four keywords beside its own arguments:
    `forward` (the forward process of the training), `network`, `latent` (where z comes from) and
    `event_shape` (sizes of one sample).
    """

    levels: tuple[int, ...]

    @property
    def network_evaluations(self) -> int:
        """Evaluations of the network for one sample (NFE)."""
        return len(self.levels) - 1

    @abstractmethod
    def start(self, num: int, rng: torch.Generator) -> Observation:
        """`num` observations at the first level. What a sampler remembers begins anew here."""

    @abstractmethod
    def step(self, y: Observation, level: Level, below: Level, rng: torch.Generator) -> Observation:
        """Move from `level` to the cleaner level `below`, the same for all samples."""

    @final
    @torch.no_grad()
    def sample(self, num: int, rng: torch.Generator) -> Sample:
        """`num` samples of data.

        Args:
            num: how many; the last bits may depend on it, so give blocks of one size.
            rng: where all draws come from; samples live on its device.
        """
        y = self.start(num, rng)
        for level, below in pairwise(self.levels):
            y = self.step(y, _same(level, y), _same(below, y), rng)
        return y


def _same(level: int, y: Observation) -> Level:
    return torch.full((len(y),), level, dtype=torch.int64, device=y.device)
