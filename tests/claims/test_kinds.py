from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rgm_bench.claims.kinds import better, interior_minimum, not_worse, ordering, within
from rgm_bench.claims.rule import Claim
from rgm_bench.claims.samples import Sample
from rgm_bench.claims.weigh import Evidence, examine

unhurried = settings(deadline=None, max_examples=50)

VALUES = st.lists(st.integers(1, 999), min_size=2, max_size=6, unique=True).map(
    lambda thousandths: tuple(value / 1000 for value in thousandths)
)
ARMS = st.lists(VALUES, min_size=3, max_size=5).map(
    lambda arms: [Sample(f"arm {index}", values) for index, values in enumerate(arms)]
)
MARGIN = st.sampled_from([0.0, 0.05, 1.0])


def close(found: Evidence, expected: Evidence) -> bool:
    sides = (expected.in_favour, expected.against)
    return (found.in_favour, found.against) == pytest.approx(sides, rel=1e-6, abs=1e-9)


def swapped(found: Evidence, expected: Evidence) -> bool:
    sides = (expected.against, expected.in_favour)
    return (found.in_favour, found.against) == pytest.approx(sides, rel=1e-9, abs=1e-12)


def every_kind(arms: list[Sample], margin: float) -> list[Claim]:
    lower = {"scale": "log", "margin": margin, "direction": "lower"}
    return [
        better(arms[0], arms[1], **lower),
        not_worse(arms[0], arms[1], **lower),
        ordering(arms, scale="log", margin=margin, trend="increasing"),
        interior_minimum(arms, **lower),
        within(arms[:1], arms[1:], **lower),
    ]


def test_p_of_better_is_welch_of_scipy_on_logarithms() -> None:
    a, b = (9.6, 10.1, 9.2), (10.2, 12.4, 9.9)
    claim = better(Sample("a", a), Sample("b", b), scale="log", margin=0.0, direction="lower")
    logs = [[log(value) for value in values] for values in (a, b)]
    assert examine(claim).p == pytest.approx(stats.ttest_ind(*logs, equal_var=False).pvalue)


@unhurried
@given(VALUES, VALUES, MARGIN)
def test_not_worse_with_the_arms_swapped_is_the_contrary_of_better(
    a: tuple[float, ...], b: tuple[float, ...], margin: float
) -> None:
    this, than = Sample("a", a), Sample("b", b)
    one = better(this, than, scale="log", margin=margin, direction="lower")
    other = not_worse(than, this, scale="log", margin=margin, direction="lower")
    assert swapped(examine(one), examine(other))


@unhurried
@given(VALUES, VALUES)
def test_swapped_arms_swap_support_and_contradiction(
    a: tuple[float, ...], b: tuple[float, ...]
) -> None:
    this, than = Sample("a", a), Sample("b", b)
    one = examine(better(this, than, scale="log", margin=0.0, direction="lower"))
    other = examine(better(than, this, scale="log", margin=0.0, direction="lower"))
    assert swapped(one, other)
    assert one.effect.difference == pytest.approx(-other.effect.difference, abs=1e-12)


@unhurried
@given(VALUES, VALUES, MARGIN)
def test_direction_is_a_reflection(
    a: tuple[float, ...], b: tuple[float, ...], margin: float
) -> None:
    inverse = [Sample("", tuple(1 / value for value in values)) for values in (a, b)]
    lower = better(Sample("", a), Sample("", b), scale="log", margin=margin, direction="lower")
    higher = better(*inverse, scale="log", margin=margin, direction="higher")
    assert close(examine(higher), examine(lower))


@unhurried
@given(ARMS, MARGIN, st.floats(0.01, 1000))
def test_every_kind_is_blind_to_the_unit_of_the_metric(
    arms: list[Sample], margin: float, unit: float
) -> None:
    scaled = [Sample(arm.label, tuple(unit * value for value in arm.values)) for arm in arms]
    for one, other in zip(every_kind(arms, margin), every_kind(scaled, margin), strict=True):
        assert close(examine(other), examine(one))


@unhurried
@given(ARMS, MARGIN)
def test_every_kind_is_blind_to_the_order_of_seeds_to_the_last_bit(
    arms: list[Sample], margin: float
) -> None:
    turned = [Sample(arm.label, arm.values[::-1]) for arm in arms]
    for one, other in zip(every_kind(arms, margin), every_kind(turned, margin), strict=True):
        assert examine(other) == examine(one)


@unhurried
@given(ARMS)
def test_a_larger_margin_never_helps_a_claim_to_be_better(arms: list[Sample]) -> None:
    for small, large in zip(every_kind(arms, 0.1), every_kind(arms, 0.3), strict=True):
        if small.rule.threshold < 0:
            small, large = large, small
        assert examine(large).in_favour >= examine(small).in_favour
        assert examine(large).against <= examine(small).against


@unhurried
@given(ARMS, MARGIN)
def test_two_arms_in_order_are_one_better_than_the_other(arms: list[Sample], margin: float) -> None:
    pair = ordering(arms[:2], scale="log", margin=margin, trend="increasing")
    same = better(arms[0], arms[1], scale="log", margin=margin, direction="lower")
    assert close(examine(pair), examine(same))


@unhurried
@given(ARMS)
def test_a_falling_order_is_the_rising_one_read_backwards(arms: list[Sample]) -> None:
    down = ordering(arms, scale="log", margin=0.05, trend="decreasing")
    up = ordering(arms[::-1], scale="log", margin=0.05, trend="increasing")
    assert close(examine(down), examine(up))


@unhurried
@given(ARMS)
def test_an_interior_minimum_does_not_know_left_from_right(arms: list[Sample]) -> None:
    there = interior_minimum(arms, scale="log", margin=0.0, direction="lower")
    back = interior_minimum(arms[::-1], scale="log", margin=0.0, direction="lower")
    assert close(examine(there), examine(back))


@unhurried
@given(ARMS, MARGIN)
def test_an_interior_minimum_is_a_best_arm_within_the_ends(
    arms: list[Sample], margin: float
) -> None:
    curve = interior_minimum(arms, scale="log", margin=margin, direction="lower")
    inside, ends = arms[1:-1], [arms[0], arms[-1]]
    same = within(inside, ends, scale="log", margin=margin, direction="lower")
    assert curve.samples == tuple(arms)
    assert close(examine(curve), examine(same))


@unhurried
@given(ARMS)
def test_corrections_are_those_stated(arms: list[Sample]) -> None:
    ends = (arms[0], arms[-1])
    single = [
        [examine(better(one, end, scale="log", margin=0.0, direction="lower")) for end in ends]
        for one in arms[1:-1]
    ]
    found = examine(interior_minimum(arms, scale="log", margin=0.0, direction="lower"))
    best = min(max(one.in_favour for one in row) for row in single)
    worst = max(min(one.against for one in row) for row in single)
    assert found.in_favour == pytest.approx(min(1, len(single) * best))
    assert found.against == pytest.approx(min(1, 2 * worst))


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_margins_that_say_nothing_are_refused(margin: float) -> None:
    arm = Sample("a", (1.0, 2.0))
    with pytest.raises(ValueError, match="a margin is a number from 0 up"):
        better(arm, arm, scale="plain", margin=margin, direction="lower")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_arms_are_a_problem_and_no_error(count: int) -> None:
    arms = [Sample(f"arm {index}", (1.0, 2.0)) for index in range(count)]
    few = [interior_minimum(arms, scale="log", margin=0.0, direction="lower")]
    few += [within(arms, [], scale="log", margin=0.0, direction="lower")]
    few += [ordering(arms[:1], scale="log", margin=0.0, trend="increasing")]
    assert {claim.problems() for claim in few} == {("the study has too few arms for it",)}
