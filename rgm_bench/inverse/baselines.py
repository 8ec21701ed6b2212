"""Solvers without a network."""

from typing import final

import torch
import torch.nn.functional as F

from rgm_bench.forward.operators import BlockAverage
from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.types import FeatureMap, Image


@final
class PseudoInverse(Solver):
    """The shortest of all images that explain the measurement best; it knows no images."""

    @property
    def network_evaluations(self) -> int:
        """None."""
        return 0

    def restore(self, problem: InverseProblem, y: FeatureMap, rng: torch.Generator) -> Image:
        """A^+ y."""
        return problem.operator.pseudo_inverse(y)


@final
class Bicubic(Solver):
    """Cubic interpolation between the pixels of a small image, the usual floor of super-resolution.

    The kernel is Keys' with a = -0.5, which Pillow and MATLAB use too (torch takes -0.75 without
    antialiasing). Edges are repeated, and sharp ones overshoot.
    """

    @property
    def network_evaluations(self) -> int:
        """None."""
        return 0

    def restore(self, problem: InverseProblem, y: FeatureMap, rng: torch.Generator) -> Image:
        """The interpolated image.

        Raises:
            ValueError: measurements of this problem are not small images.
        """
        if not isinstance(problem.operator, BlockAverage):
            raise ValueError(
                f"bicubic interpolation of the problem {problem.name}: it is for block averages "
                "only (super-resolution); take the pseudo-inverse"
            )
        size = [side * problem.operator.factor for side in y.shape[-2:]]
        return F.interpolate(y, size=size, mode="bicubic", antialias=True)
