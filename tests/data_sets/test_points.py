from math import pi

import pytest
import torch

from rgm_bench.data.contents import PointsKind
from rgm_bench.data.points import GAUSSIAN25_STD, GMM8_STD, load_points, mode_centres, mode_of

KINDS: tuple[PointsKind, ...] = ("gmm8", "gaussian25", "checkerboard")
NUM = 100_000


def _of_kind(kind: PointsKind) -> tuple[torch.Tensor, torch.Tensor]:
    """Many points in float64 and the mode of each, none left out."""
    points = load_points(kind=kind, split="train", num=NUM).double()
    offsets = torch.cdist(points, mode_centres(kind))
    return points, offsets.argmin(1)


@pytest.mark.parametrize("kind", KINDS)
def test_data_are_the_same_at_every_call_and_splits_differ(kind: PointsKind):
    first = load_points(kind=kind, split="train", num=500)
    torch.manual_seed(1)
    assert torch.equal(first, load_points(kind=kind, split="train", num=500))
    others = (
        load_points(kind=kind, split="test", num=500),
        load_points(kind=kind, split="train", num=1000),
    )
    for other in others:
        assert not (first[:, None] == other).all(2).any()


@pytest.mark.parametrize("kind", KINDS)
def test_every_mode_has_the_same_weight(kind: PointsKind):
    _, mode = _of_kind(kind)
    modes = len(mode_centres(kind))
    expected = NUM / modes
    statistic = ((mode.bincount(minlength=modes) - expected) ** 2 / expected).sum()
    degrees = modes - 1
    assert abs(statistic - degrees) < 4 * (2 * degrees) ** 0.5  # chi squared: mean k, variance 2k


@pytest.mark.parametrize(("kind", "variance"), [("gmm8", 1 / 200), ("gaussian25", 1 / 4000)])
def test_every_mode_has_its_centre_and_covariance(kind: PointsKind, variance: float):
    points, mode = _of_kind(kind)
    residual = (points - mode_centres(kind)[mode]) / variance**0.5
    for index in range(len(mode_centres(kind))):
        of_mode = residual[mode == index]
        error = len(of_mode) ** -0.5
        assert of_mode.mean(0).abs().max() < 5 * error
        assert (of_mode.T.cov() - torch.eye(2)).abs().max() < 5 * 2**0.5 * error


def test_the_constants_are_roots_of_the_published_variances():
    assert pytest.approx((1 / 200, 1 / 4000)) == (GMM8_STD**2, GAUSSIAN25_STD**2)


def test_gmm8_lies_on_a_circle_of_radius_2_and_repeats_every_eighth_turn():
    centres = mode_centres("gmm8")
    turn = torch.polar(
        torch.tensor(1.0, dtype=torch.float64), torch.tensor(pi / 4, dtype=torch.float64)
    )
    turned = torch.view_as_real(torch.view_as_complex(centres) * turn)
    assert torch.allclose(turned, centres.roll(-1, 0))
    assert torch.allclose(centres.norm(dim=1), torch.tensor(2.0, dtype=torch.float64))


def test_gaussian25_is_the_whole_grid():
    grid = {(x, y) for x in range(-2, 3) for y in range(-2, 3)}
    assert {(int(x), int(y)) for x, y in mode_centres("gaussian25")} == grid


def test_the_checkerboard_is_where_the_product_of_sines_is_positive():
    points = load_points(kind="checkerboard", split="train", num=NUM).double()
    assert points.abs().max() <= 2
    assert (torch.sin(pi * points).prod(1) > -1e-5).all()  # float32 may round onto a border


def test_the_checkerboard_is_uniform():
    points, mode = _of_kind("checkerboard")
    inside = points - mode_centres("checkerboard")[mode]
    error = NUM**-0.5
    assert inside.mean(0).abs().max() < 5 * error / 12**0.5
    # a uniform variable on a side of 1: variance 1/12, and its square has variance 1/180
    assert (inside.T.cov() - torch.eye(2) / 12).abs().max() < 5 * error / 180**0.5


@pytest.mark.parametrize("kind", KINDS)
def test_a_mode_holds_its_own_points_and_nothing_else(kind: PointsKind):
    points, mode = _of_kind(kind)
    found = mode_of(points, kind)
    assert torch.equal(found[found >= 0], mode[found >= 0])
    beyond = (found < 0).double().mean()
    expected = 0 if kind == "checkerboard" else torch.tensor(-8.0).exp().item()  # r^2 > 16
    assert abs(beyond - expected) < 5 * (expected / NUM) ** 0.5 + 1e-12


def test_membership_of_the_checkerboard_is_its_support():
    grid = torch.rand(NUM, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points = grid * 6 - 3
    inside = (points.abs().amax(1) < 2) & (torch.sin(pi * points).prod(1) > 0)
    assert torch.equal(mode_of(points, "checkerboard") >= 0, inside)
