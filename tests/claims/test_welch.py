import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rgm_bench.claims.welch import contrast, moments

unhurried = settings(deadline=None, max_examples=50)

A, B = [9.6, 10.1, 9.2, 10.9, 9.9], [10.2, 12.4, 9.9, 11.6, 13.0]


def two_sided(a: list[float], b: list[float]) -> float:
    found = contrast(moments(np.array([a])), moments(np.array([b])))
    return 2 * float(np.minimum(found.above(0.0), found.below(0.0))[0])


@unhurried
@given(
    st.integers(2, 8).flatmap(
        lambda n: st.tuples(
            *[st.lists(st.floats(-1e3, 1e3), min_size=n, max_size=n, unique=True)] * 2
        )
    )
)
def test_p_is_welch_of_scipy_where_arms_have_as_many_seeds(arms: tuple[list[float], ...]) -> None:
    expected = stats.ttest_ind(*arms, equal_var=False)
    if np.isfinite(expected.pvalue) and min(np.ptp(arms, axis=1)) > 1e-6:
        assert two_sided(*arms) == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_p_is_never_below_welch_of_scipy_where_they_have_not(n: int) -> None:
    for a, b in ((A[:n], B), (B, A[:n]), (A, B[:n])):
        assert two_sided(a, b) >= stats.ttest_ind(a, b, equal_var=False).pvalue * (1 - 1e-12)


def test_interval_is_that_of_scipy() -> None:
    found = contrast(moments(np.array([A])), moments(np.array([B]))).interval(0.95)
    expected = stats.ttest_ind(A, B, equal_var=False).confidence_interval(0.95)
    assert [bound[0] for bound in found] == pytest.approx([expected.low, expected.high])


@pytest.mark.parametrize("threshold", [-3.0, -0.4, 0.0, 2.0])
def test_interval_excludes_a_threshold_exactly_where_a_side_is_below_half(threshold: float) -> None:
    found = contrast(moments(np.array([A])), moments(np.array([B])))
    low, high = found.interval(0.95)
    assert (low > threshold) == (found.above(threshold) < 0.025)
    assert (high < threshold) == (found.below(threshold) < 0.025)


def test_many_studies_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    together = contrast(moments(a), moments(b)).above(0.1)
    alone = [contrast(moments(a[i : i + 1]), moments(b[i : i + 1])).above(0.1)[0] for i in range(7)]
    assert together.tolist() == alone


@pytest.mark.parametrize(("n", "splits"), [(2, 6), (3, 20), (5, 252)])
def test_arms_without_spread_are_judged_by_permutation(n: int, splits: int) -> None:
    found = contrast(moments(np.full((1, n), 8.0)), moments(np.full((1, n), 7.0)))
    assert found.above(0.0)[0] == pytest.approx(1 / splits)
    assert found.below(0.0)[0] == found.above(1.0)[0] == found.below(1.0)[0] == 1
    assert np.isnan(found.interval(0.95)).all()


@unhurried
@given(st.floats(1e-5, 1e5), st.integers(2, 9))
def test_equal_values_have_no_spread_to_the_last_bit(value: float, n: int) -> None:
    found = moments(np.full((1, n), value))
    assert (found.mean[0], found.variance[0]) == (value, 0)


def test_one_arm_without_spread_leaves_student_t_of_the_other() -> None:
    found = contrast(moments(np.array([A])), moments(np.full((1, 5), 10.5)))
    expected = stats.ttest_1samp(A, 10.5).pvalue
    assert 2 * found.below(0.0)[0] == pytest.approx(expected)
