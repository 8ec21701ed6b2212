"""What a solver of inverse problems is."""

from abc import ABC, abstractmethod

import torch

from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.types import FeatureMap, Image


class Solver(ABC):
    """Restores images from measurements of them.

    All randomness comes from the generator that `restore` is given, and no image of a batch looks
    at another, so with the same seed an image comes out the same whatever lies beside it.
    """

    @property
    @abstractmethod
    def network_evaluations(self) -> int:
        """Evaluations of a network for one image (NFE); 0 for formulas."""

    @abstractmethod
    def restore(self, problem: InverseProblem, y: FeatureMap, rng: torch.Generator) -> Image:
        """Estimates of the clean images, not clamped to [-1, 1].

        Args:
            problem: how `y` came about.
            y: the measurements; they are left as they are.
            rng: where all draws come from, on the device of `y`. They depend on the size of the
                batch, so give blocks of one size.
        """
