"""How close generated points in the plane are to a known distribution."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rgm_bench.data.contents import PointsKind
from rgm_bench.data.points import mode_centres, mode_of
from rgm_bench.metrics.scores import Score, Scores
from rgm_bench.priors.mmd import mmd
from rgm_bench.rng import derive_seed

MMD_BANDWIDTHS = (0.1, 0.2, 0.5, 1.0, 2.0)
"""From a Gaussian mode's own width to the radius of a set, in units of the data."""

COVERED_SHARE = 0.1
"""A mode counts as covered from this share of the points that an equal mode would have."""

NUM_PROJECTIONS = 500
_MAX_PIVOTS = 10_000_000
_NUMPY_SEEDS = 2**32


def points_metrics(
    generated: Float[Tensor, "n 2"], reference: Float[Tensor, "n 2"], *, kind: PointsKind, seed: int
) -> Scores:
    """Every metric of points; computed in float64 on the CPU.

    `w2` and `sliced_w2` are Wasserstein-2 distances and `mmd` the root of MMD^2 (biased, sum of
    Gaussian kernels of `MMD_BANDWIDTHS`), all three to `reference` and lower for better. None is
    zero for two samples of one distribution, and all depend on n: compare at equal n.
    `modes_covered` is a number of modes and `good_share` a share of the points, both of `generated`
    alone and higher for better.

    Args:
        generated: points to judge, all finite.
        reference: as many points of the distribution, independent of those trained on.
        kind: the distribution, for its modes.
        seed: draws the directions of the sliced distance.
    """
    ours, theirs = (points.detach().to("cpu", torch.float64) for points in (generated, reference))
    return Scores.of(
        {
            "w2": wasserstein(ours, theirs),
            "sliced_w2": sliced_wasserstein(ours, theirs, seed=seed),
            "mmd": mmd(ours, theirs, MMD_BANDWIDTHS).item(),
            "modes_covered": float(modes_covered(ours, kind)),
            "good_share": good_share(ours, kind),
        }
    )


def wasserstein(a: Float[Tensor, "n 2"], b: Float[Tensor, "m 2"]) -> Score:
    """The exact Wasserstein-2 distance of two sets of n points, not squared.

    Or the reason why POT found none.

    The root of the least mean squared distance over all ways to pair the points; time grows about
    as n^2.

    Raises:
        ValueError: the sets differ in size.

    Source: Bonneel et al. 2011 for the network simplex, which is POT's.
    """
    import ot

    if len(a) != len(b):
        raise ValueError(f"W2 is of sets of equal size, found {len(a)} and {len(b)} points")
    # not by the product of a and b, whose rounding makes equal points differ
    cost = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()
    least, report = ot.emd2([], [], cost.numpy(), numItermax=_MAX_PIVOTS, log=True)
    if report["warning"]:
        return f"no optimal transport of {len(a)} points: {report['warning']}"
    return float(least) ** 0.5


def sliced_wasserstein(a: Float[Tensor, "n 2"], b: Float[Tensor, "m 2"], *, seed: int) -> float:
    """The root mean square, over `NUM_PROJECTIONS` directions, of the distance along each.

    Source: Bonneel et al. 2015, Sec. 3, with POT.
    """
    import ot

    distance: Any = ot.sliced_wasserstein_distance(
        a.numpy(),
        b.numpy(),
        n_projections=NUM_PROJECTIONS,
        p=2,
        seed=derive_seed(seed, "projections") % _NUMPY_SEEDS,
    )
    return float(distance)


def modes_covered(points: Float[Tensor, "n 2"], kind: PointsKind) -> int:
    """The number of modes that hold at least `COVERED_SHARE` of n / modes points.

    A mode is what `mode_of` says: a disc, or a cell of the checkerboard.
    """
    modes = len(mode_centres(kind))
    found = mode_of(points, kind)
    counts = found[found >= 0].bincount(minlength=modes)
    return int((counts >= COVERED_SHARE * len(points) / modes).sum())


def good_share(points: Float[Tensor, "n 2"], kind: PointsKind) -> float:
    """The share of points that belong to a mode; 0.9997 of the Gaussians' own do, as n grows."""
    return float((mode_of(points, kind) >= 0).double().mean())
