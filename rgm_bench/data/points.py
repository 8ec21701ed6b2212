"""Points in the plane from three known distributions, and the modes of each.

Source: Choi et al. 2023, toy experiments.
"""

from math import pi
from typing import assert_never

import torch
from jaxtyping import Float, Float32, Float64, Int64
from torch import Tensor

from rgm_bench.data.contents import PointsKind, Split
from rgm_bench.rng import generator

GMM8_STD = 200**-0.5
GAUSSIAN25_STD = 4000**-0.5

STDS_OF_A_MODE = 4
"""A Gaussian mode reaches this many standard deviations far: 0.03 % of its points lie beyond."""

_SEED = 0
_CELL_SIDE = 1.0


def load_points(*, kind: PointsKind, split: Split, num: int) -> Float32[Tensor, "num 2"]:
    """A fixed sample of a distribution: the same at every call, whatever a training's seed.

    Splits, and samples of another size, are independent draws: the smaller is no part of the
    larger. Every mode has the same weight.

    Args:
        kind: gmm8, 8 Gaussians on a circle of radius 2, covariance I / 200; gaussian25, 25
            Gaussians on the grid {-2, ..., 2}^2, covariance I / 4000; checkerboard, uniform on
            [-2, 2]^2 where sin(pi x) sin(pi y) > 0.
        split: which of two independent samples.
        num: points of the sample.
    """
    rng = generator(torch.device("cpu"), _SEED, "points", kind, split, num)
    centres = mode_centres(kind)
    drawn = centres[torch.randint(len(centres), (num,), generator=rng)]
    return (drawn + _around_a_centre(kind, num, rng)).to(torch.float32)


def _around_a_centre(kind: PointsKind, num: int, rng: torch.Generator) -> Float64[Tensor, "num 2"]:
    match kind:
        case "gmm8":
            return GMM8_STD * torch.randn(num, 2, generator=rng, dtype=torch.float64)
        case "gaussian25":
            return GAUSSIAN25_STD * torch.randn(num, 2, generator=rng, dtype=torch.float64)
        case "checkerboard":
            return _CELL_SIDE * (torch.rand(num, 2, generator=rng, dtype=torch.float64) - 0.5)
        case _:
            assert_never(kind)


def mode_centres(kind: PointsKind) -> Float64[Tensor, "modes 2"]:
    """The centre of every mode; those of a checkerboard are its 8 filled cells of side 1."""
    match kind:
        case "gmm8":
            angle = torch.arange(8, dtype=torch.float64) * pi / 4
            return 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
        case "gaussian25":
            steps = torch.arange(-2, 3, dtype=torch.float64)
            return torch.cartesian_prod(steps, steps)
        case "checkerboard":
            corners = torch.cartesian_prod(*2 * [torch.arange(-2, 2, dtype=torch.float64)])
            # both sines change sign at every whole number, so the product is positive where the
            # column and the row are even or odd together
            return corners[corners.sum(1) % 2 == 0] + _CELL_SIDE / 2
        case _:
            assert_never(kind)


def mode_of(points: Float[Tensor, "n 2"], kind: PointsKind) -> Int64[Tensor, " n"]:
    """The mode that each point belongs to, as a row of `mode_centres`; -1 where to none.

    A Gaussian mode is a disc of `STDS_OF_A_MODE` standard deviations, no two of which meet. A cell
    of a checkerboard is a closed square: what lies on a border belongs to one of its cells.
    """
    offsets = points.to(torch.float64)[:, None] - mode_centres(kind).to(points.device)
    match kind:
        case "gmm8":
            distance, reach = offsets.norm(dim=2), STDS_OF_A_MODE * GMM8_STD
        case "gaussian25":
            distance, reach = offsets.norm(dim=2), STDS_OF_A_MODE * GAUSSIAN25_STD
        case "checkerboard":
            distance, reach = offsets.abs().amax(dim=2), _CELL_SIDE / 2
        case _:
            assert_never(kind)
    nearest = distance.min(dim=1)
    return torch.where(nearest.values <= reach, nearest.indices, -1)
