import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rgm_bench.report.aggregate import estimate

SEEDS = [9.6, 11.2, 10.4, 12.9]


def test_plain_interval_is_student_t_around_the_mean() -> None:
    found = estimate(SEEDS, scale="plain")
    low, high = stats.t.interval(0.95, 3, np.mean(SEEDS), stats.sem(SEEDS))
    assert found is not None
    assert (found.center, found.low, found.high) == pytest.approx((np.mean(SEEDS), low, high))
    assert found.n == 4


def test_log_interval_is_that_of_the_logarithms() -> None:
    logs = np.log(SEEDS)
    found = estimate(SEEDS, scale="log")
    bounds = np.exp(stats.t.interval(0.95, 3, logs.mean(), stats.sem(logs)))
    assert found is not None
    assert found.center == pytest.approx(stats.gmean(SEEDS))
    assert (found.low, found.high) == pytest.approx(tuple(bounds))


@pytest.mark.parametrize(("scale", "n"), [("plain", 3), ("plain", 5), ("log", 3)])
def test_interval_covers_the_truth_as_often_as_it_says(scale: str, n: int) -> None:
    rng, draws = np.random.default_rng(0), 4000
    samples = rng.normal(2.3, 0.4, (draws, n))
    log = scale == "log"
    found = [
        estimate(np.exp(row) if log else row, scale="log" if log else "plain") for row in samples
    ]
    truth = math.exp(2.3) if log else 2.3
    covered = np.mean([e.low <= truth <= e.high for e in found if e and e.low and e.high])
    assert covered == pytest.approx(0.95, abs=0.015)


def test_one_seed_has_no_interval_and_none_has_no_estimate() -> None:
    found = estimate([3.0], scale="log")
    assert found is not None
    assert (found.center, found.low, found.high, found.n) == (pytest.approx(3.0), None, None, 1)
    assert estimate([], scale="plain") is None
    assert estimate([math.nan], scale="log") is None


def test_a_value_without_a_logarithm_makes_the_scale_plain() -> None:
    found = estimate([-1e-13, 2e-13], scale="log")
    assert found is not None
    assert found.scale == "plain"
    assert found.center == pytest.approx(5e-14)


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=8), st.randoms())
def test_the_order_of_the_seeds_changes_no_bit(values: list[float], random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    for scale in ("plain", "log"):
        assert estimate(values, scale=scale) == estimate(shuffled, scale=scale)


@given(st.lists(st.floats(1e-2, 1e4), min_size=2, max_size=8))
def test_the_centre_lies_inside_its_interval(values: list[float]) -> None:
    for scale in ("plain", "log"):
        found = estimate(values, scale=scale)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        slack = 1e-9 * found.center
        assert found.low - slack <= found.center <= found.high + slack
