from math import pi

import pytest
import torch
from torch import Tensor

from rgm_bench.data.contents import PointsKind
from rgm_bench.data.points import load_points, mode_centres, mode_of
from rgm_bench.metrics.points import (
    good_share,
    modes_covered,
    points_metrics,
    sliced_wasserstein,
    wasserstein,
)

KINDS: tuple[PointsKind, ...] = ("gmm8", "gaussian25", "checkerboard")
DISTANCES = ("w2", "sliced_w2", "mmd")


def _normal(num: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(num, 2, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_identical_sets_are_at_distance_zero_in_any_order(kind: PointsKind):
    points = load_points(kind=kind, split="test", num=400)
    mixed = points[torch.randperm(400, generator=torch.Generator().manual_seed(0))]
    for other in (points, mixed):
        found = points_metrics(other, points, kind=kind, seed=0).metrics
        assert found["w2"] == 0
        assert found["sliced_w2"] == pytest.approx(0, abs=1e-12)
        assert found["mmd"] == pytest.approx(0, abs=1e-7)  # the root of a rounding error


def test_nothing_depends_on_the_order_of_points():
    generated, reference = (load_points(kind="gmm8", split=s, num=400) for s in ("train", "test"))
    first = points_metrics(generated, reference, kind="gmm8", seed=3).metrics
    mixed = points_metrics(generated.flip(0), reference.roll(17, 0), kind="gmm8", seed=3).metrics
    assert mixed == pytest.approx(first, rel=1e-9)


def test_w2_of_a_translation_is_its_length():
    points = _normal(500, 0)
    for shift in ([3.0, 4.0], [-0.3, 0.4], [1e-3, 0.0]):
        moved = points + torch.tensor(shift, dtype=torch.float64)
        length = torch.tensor(shift, dtype=torch.float64).norm().item()
        assert wasserstein(points, moved) == pytest.approx(length, rel=1e-9)


def test_sliced_w2_of_a_translation_is_its_length_over_the_root_of_2():
    """The mean of cos^2 over directions is 1/2; 500 of them leave an error of about 2 %."""
    points = _normal(500, 0)
    found = sliced_wasserstein(points, points + torch.tensor([3.0, 4.0]), seed=0)
    assert found == pytest.approx(5 / 2**0.5, rel=0.08)


def test_w2_of_two_gaussians_approaches_the_closed_form():
    """W2^2 = |m|^2 + sum (s_i - r_i)^2 for diagonal covariances."""
    mean, scale = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 3.0])
    exact = (mean.square().sum() + (scale - 1).square().sum()).sqrt().item()
    errors = [
        abs(wasserstein(_normal(num, 1), _normal(num, 2) * scale + mean) / exact - 1)
        for num in (50, 1000)
    ]
    assert errors[1] < 0.02
    assert errors[1] < errors[0]


def test_w2_is_the_best_of_all_pairings():
    from itertools import permutations

    a, b = _normal(6, 3), _normal(6, 4) + 1
    costs = [(a - b[list(order)]).square().sum(1).mean() for order in permutations(range(6))]
    assert wasserstein(a, b) == pytest.approx(min(costs).sqrt().item(), rel=1e-12)


def test_w2_is_a_metric():
    a, b, c = (_normal(200, seed) * seed for seed in (1, 2, 3))
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), rel=1e-9)
    assert wasserstein(a, c) <= wasserstein(a, b) + wasserstein(b, c)
    assert sliced_wasserstein(a, b, seed=0) <= wasserstein(a, b)


def test_a_seed_fixes_the_directions_and_nothing_else():
    generated, reference = (load_points(kind="gmm8", split=s, num=300) for s in ("train", "test"))
    first, again, other = (
        points_metrics(generated, reference, kind="gmm8", seed=seed).metrics
        for seed in (0, 0, 2**63 - 1)
    )
    assert first == again
    assert first["sliced_w2"] != other["sliced_w2"]
    assert first["sliced_w2"] == pytest.approx(other["sliced_w2"], rel=0.2)
    assert {k: v for k, v in first.items() if k != "sliced_w2"} == {
        k: v for k, v in other.items() if k != "sliced_w2"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_real_points_are_good_and_cover_all_modes(kind: PointsKind):
    for split in ("train", "test"):
        assert good_share(load_points(kind=kind, split=split, num=50_000), kind) > 0.999
        for num in (500, 2000, 4000):
            points = load_points(kind=kind, split=split, num=num)
            assert modes_covered(points, kind) == len(mode_centres(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_removed_mode_is_missed_and_costs_no_good_point(kind: PointsKind):
    points = load_points(kind=kind, split="train", num=4000)
    mode, modes = mode_of(points, kind), len(mode_centres(kind))
    for removed in range(modes):
        kept = points[(mode >= removed)]
        assert modes_covered(kept, kind) == modes - removed
        assert good_share(kept, kind) == 1


def test_a_stray_point_covers_no_mode():
    points = mode_centres("gmm8")[:1].repeat(1000, 1)
    assert modes_covered(points, "gmm8") == 1
    points[:12] = mode_centres("gmm8")[1]
    assert modes_covered(points, "gmm8") == 1  # 12 of 125
    points[:13] = mode_centres("gmm8")[1]
    assert modes_covered(points, "gmm8") == 2


def test_the_good_share_of_uniform_points_is_the_area_of_the_support():
    rng = torch.Generator().manual_seed(0)
    points = torch.rand(200_000, 2, generator=rng) * 4 - 2
    areas = {"checkerboard": 1 / 2, "gmm8": 8 * pi * 16 / 200 / 16}
    for kind, area in areas.items():
        # one mode in eight of gmm8 ends at (2, 0), half outside of the square
        share = good_share(points * (1 if kind == "checkerboard" else 2), kind)
        expected = area if kind == "checkerboard" else area / 4
        assert share == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_every_distance_tells_real_points_from_noise(kind: PointsKind):
    reference = load_points(kind=kind, split="test", num=800)
    real = points_metrics(
        load_points(kind=kind, split="train", num=800), reference, kind=kind, seed=0
    ).metrics
    spread = reference.std(0)
    noise = points_metrics(_normal(800, 0).float() * spread, reference, kind=kind, seed=0).metrics
    assert all(noise[name] > 1.5 * real[name] for name in DISTANCES)
    assert noise["good_share"] < real["good_share"] - 0.3


def test_sets_of_different_size_have_no_w2():
    with pytest.raises(ValueError, match="found 10 and 11 points"):
        wasserstein(_normal(10, 0), _normal(11, 0))
