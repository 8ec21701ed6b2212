import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgm_bench.claims.holm import holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_hand_worked_example() -> None:
    # sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, and the last may not fall below .06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_one_claim_is_left_alone_and_none_gives_none() -> None:
    assert (holm([0.03]), holm([])) == ((0.03,), ())


@given(P_VALUES)
def test_between_the_single_claim_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p <= adjusted <= min(1.0, len(p_values) * p)


@given(P_VALUES, st.randoms(use_true_random=False))
def test_order_of_the_claims_does_not_matter(p_values: list[float], random: object) -> None:
    indices = list(range(len(p_values)))
    random.shuffle(indices)  # type: ignore[attr-defined]
    mixed = holm([p_values[index] for index in indices])
    adjusted = holm(p_values)
    assert list(mixed) == [adjusted[index] for index in indices]


@given(P_VALUES, st.floats(0, 1))
def test_a_claim_that_cannot_be_tested_yet_takes_no_verdict_back(
    p_values: list[float], arrived: float
) -> None:
    before = holm([*p_values, 1.0])
    after = holm([*p_values, arrived])
    assert all(later <= earlier for later, earlier in zip(after[:-1], before[:-1], strict=True))
