from itertools import product
from math import exp, sqrt

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rgm_bench.priors.mmd import mmd, squared_mmd
from tests.reference.priors import mmd_differences

BANDWIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0)


def samples(*sizes: int, dim: int = 3, seed: int = 0) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(size, dim, generator=rng) for size in sizes]


def test_value_loss_and_gradient_equal_the_published_ones() -> None:
    found = mmd_differences()
    assert found["value"] < 1e-5
    assert found["loss"] < 1e-5
    assert found["gradient"] < 1e-4


def test_it_is_the_double_sum_of_its_definition() -> None:
    a, b = samples(5, 7)

    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        distance = (x - y).square().sum().item()
        return sum(exp(-distance / (2 * s**2)) for s in BANDWIDTHS)

    def mean(xs: torch.Tensor, ys: torch.Tensor) -> float:
        return sum(kernel(x, y) for x, y in product(xs, ys)) / (len(xs) * len(ys))

    expected = mean(a, a) + mean(b, b) - 2 * mean(a, b)
    assert squared_mmd(a, b, BANDWIDTHS).item() == pytest.approx(expected, rel=1e-5)
    assert mmd(a, b, BANDWIDTHS).item() == pytest.approx(sqrt(expected), rel=1e-5)


@given(seed=st.integers(0, 1000), m=st.integers(1, 9), n=st.integers(1, 9))
def test_it_is_symmetric_not_negative_and_blind_to_order_and_place(seed, m, n) -> None:
    a, b = samples(m, n, seed=seed)
    value = squared_mmd(a, b, BANDWIDTHS)
    assert value >= -1e-6
    for other in (
        squared_mmd(b, a, BANDWIDTHS),
        squared_mmd(a.flip(0), b.roll(1, 0), BANDWIDTHS),
        squared_mmd(a + 5, b + 5, BANDWIDTHS),
    ):
        torch.testing.assert_close(other, value, rtol=1e-5, atol=2e-6)


def test_equal_sets_have_no_distance_and_no_gradient() -> None:
    (a,) = samples(40, dim=30)
    assert abs(squared_mmd(a, a.flip(0), BANDWIDTHS)) <= 1e-6
    fake = a.clone().requires_grad_()
    loss = mmd(fake, a, BANDWIDTHS)
    loss.backward()
    assert loss == 0
    assert fake.grad is not None
    assert torch.equal(fake.grad, torch.zeros_like(a))


def test_what_is_not_a_number_stays_so() -> None:
    a, b = samples(4, 4)
    a[0, 0] = torch.nan
    assert torch.isnan(mmd(a, b, BANDWIDTHS))


def test_it_grows_with_a_shift_of_the_mean_to_its_bound() -> None:
    """For far apart samples of one point each, every kernel contributes 1 + 1."""
    a, b = samples(200, 200)
    values = [mmd(a, b + shift, BANDWIDTHS).item() for shift in (0.0, 0.5, 1, 2, 4, 8, 16)]
    assert values == sorted(values)
    point = torch.zeros(1, 3)
    far = squared_mmd(point, point + 1e4, BANDWIDTHS).item()
    assert far == pytest.approx(2 * len(BANDWIDTHS))


def test_close_samples_keep_their_digits() -> None:
    """Differences of kernels that are all nearly one, against the same sum in double precision."""
    a, b = samples(64, 64, dim=256)
    a, b = 10 + a / 100, 10 + b / 100 + 0.005
    exact = squared_mmd(a.double(), b.double(), BANDWIDTHS)
    assert exact < 1e-2
    assert abs(squared_mmd(a, b, BANDWIDTHS) - exact) < 1e-4 * exact
