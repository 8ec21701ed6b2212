"""How often rules decide what is not so, by simulation of studies with known truth."""

from math import log

import numpy as np
import pytest

from rgm_bench.claims.decide import LEVEL
from rgm_bench.claims.holm import holm
from rgm_bench.claims.kinds import better, interior_minimum, not_worse, ordering, within
from rgm_bench.claims.rule import Claim
from rgm_bench.claims.weigh import weigh
from rgm_bench.claims.welch import moments
from tests.claims.simulate import ALLOWED, NUM_STUDIES, named, rates

pytestmark = pytest.mark.statistics

SEEDS = [2, 3, 5, 10]
COV = 0.13
"""Spread of the logarithms, as FID of small digit models has it from seed to seed."""


def of(count: int, kind: str, margin: float = 0.0) -> Claim:
    arms = named(count)
    match kind:
        case "better":
            return better(*arms, scale="log", margin=margin, direction="lower")
        case "not_worse":
            return not_worse(*arms, scale="log", margin=margin, direction="lower")
        case "ordering":
            return ordering(arms, scale="log", margin=margin, trend="increasing")
        case "interior_minimum":
            return interior_minimum(arms, scale="log", margin=margin, direction="lower")
        case _:
            inside, outside = arms[:2], arms[2:]
            return within(inside, outside, scale="log", margin=margin, direction="lower")


@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize(
    ("kind", "count"),
    [("better", 2), ("ordering", 4), ("interior_minimum", 6), ("within", 6), ("ordering", 2)],
)
def test_nothing_is_decided_where_nothing_differs(kind: str, count: int, n: int) -> None:
    assert rates(of(count, kind), [2.3] * count, COV, n).decided <= ALLOWED


@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("kind", ["better", "not_worse"])
def test_nothing_is_decided_at_exactly_the_margin(kind: str, n: int) -> None:
    claim = of(2, kind, margin=0.05)
    loss = log(1.05) if kind == "not_worse" else -log(1.05)
    found = rates(claim, [2.3 + loss, 2.3], COV, n)
    assert max(found.supported, found.contradicted) <= LEVEL / 2 + (ALLOWED - LEVEL)


@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("drop", [0.2, 0.5, 3.0])
def test_a_curve_that_falls_and_stays_flat_has_no_interior_minimum(drop: float, n: int) -> None:
    found = rates(of(6, "interior_minimum"), [2.3 + drop, *[2.3] * 5], COV, n)
    assert found.supported <= LEVEL / 2 + (ALLOWED - LEVEL)


@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("rise", [0.1, 0.3, 1.0])
def test_a_true_interior_minimum_is_not_contradicted(rise: float, n: int) -> None:
    found = rates(of(6, "interior_minimum"), [3.0, 2.9, 2.7, 2.3, 2.6, 2.3 + rise], COV, n)
    assert found.contradicted <= LEVEL / 2 + (ALLOWED - LEVEL)


@pytest.mark.parametrize("n", SEEDS)
def test_the_range_is_not_supported_while_an_arm_outside_is_as_good(n: int) -> None:
    found = rates(of(6, "within"), [2.3, 2.6, 2.3, 3.0, 3.5, 4.0], COV, n)
    assert found.supported <= LEVEL / 2 + (ALLOWED - LEVEL)


@pytest.mark.parametrize("n", SEEDS)
def test_an_ordering_is_not_supported_while_one_step_is_flat(n: int) -> None:
    found = rates(of(4, "ordering"), [1.0, 2.0, 2.0, 4.0], COV, n)
    assert found.supported <= LEVEL / 2 + (ALLOWED - LEVEL)
    assert found.decided <= ALLOWED


@pytest.mark.parametrize("n", SEEDS)
def test_a_true_ordering_with_close_steps_is_not_contradicted(n: int) -> None:
    found = rates(of(4, "ordering"), [1.0, 1.001, 1.002, 1.003], COV, n)
    assert found.contradicted <= LEVEL / 2 + (ALLOWED - LEVEL)


@pytest.mark.parametrize(("n", "promised"), [(2, 0.065), (3, 0.06), (5, 0.055), (10, 0.052)])
@pytest.mark.parametrize("ratio", [2.0, 3.0, 6.0, 20.0])
def test_equal_means_of_unequal_spreads(ratio: float, n: int, promised: float) -> None:
    spreads = [COV, ratio * COV]
    found = rates(of(2, "better"), [2.3, 2.3], spreads, n, num_studies=200_000)
    assert found.decided <= promised


def test_unequal_spreads_are_decided_more_often_than_equal_ones() -> None:
    found = rates(of(2, "better"), [2.3, 2.3], [COV, 6 * COV], 3, num_studies=200_000)
    assert found.decided > 0.055  # so the promise of equal spreads would be false here


@pytest.mark.parametrize(("fewer", "promised"), [(2, 0.09), (3, 0.07)])
@pytest.mark.parametrize("ratio", [2.0, 4.0, 6.0, 20.0])
def test_the_larger_spread_in_the_arm_of_fewer_seeds(
    ratio: float, fewer: int, promised: float
) -> None:
    spreads = [COV, ratio * COV]
    found = rates(of(2, "better"), [2.3, 2.3], spreads, (10, fewer), num_studies=200_000)
    assert found.decided <= promised


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("kind", ["ordering", "interior_minimum", "within"])
def test_claims_about_an_axis_of_unequal_spreads(kind: str, n: int) -> None:
    for spreads in ([COV, 20 * COV] * 3, [20 * COV, *[COV] * 4, 20 * COV]):
        assert rates(of(6, kind), [2.3] * 6, spreads, n).decided <= ALLOWED


@pytest.mark.parametrize("seeds", [(2, 3), (2, 5), (2, 10), (3, 5), (3, 10), (5, 10)])
def test_unequal_numbers_of_seeds(seeds: tuple[int, int]) -> None:
    assert rates(of(2, "better"), [2.3, 2.3], COV, seeds).decided <= ALLOWED


@pytest.mark.parametrize("n", [3, 5])
def test_heavy_tails(n: int) -> None:
    found = rates(
        of(2, "better"), [2.3] * 2, COV, n, noise=lambda rng, shape: rng.standard_t(3, shape)
    )
    assert found.decided <= ALLOWED


@pytest.mark.parametrize("n", [3, 5])
def test_skewed_logarithms(n: int) -> None:
    found = rates(
        of(2, "better"), [2.3] * 2, COV, n, noise=lambda rng, shape: rng.exponential(size=shape)
    )
    assert found.decided <= ALLOWED


@pytest.mark.parametrize("chance", [0.1, 0.5])
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_counts_that_hardly_vary(n: int, chance: float) -> None:
    claim = better(*named(2), scale="plain", margin=0.0, direction="higher")
    found = rates(
        claim, [7.0, 7.0], 1.0, n, noise=lambda rng, shape: 1.0 * rng.binomial(1, chance, shape)
    )
    assert found.decided <= ALLOWED


@pytest.mark.parametrize("n", [3, 5])
def test_ten_claims_of_one_study_are_together_as_careful_as_one(n: int) -> None:
    rng = np.random.default_rng(2)
    arms = [moments(rng.normal(2.3, COV, (NUM_STUDIES, n))) for _ in range(11)]
    p = np.array([weigh(of(2, "better").rule, [arms[0], arm]).p for arm in arms[1:]])
    adjusted = np.array([holm(tuple(study)) for study in p.T])
    assert (adjusted.min(axis=1) <= LEVEL).mean() <= ALLOWED
    assert (p.min(axis=0) <= LEVEL).mean() > 2 * LEVEL  # which they are not without Holm


@pytest.mark.parametrize(
    ("n", "ratio", "promised"),
    [(2, 20.0, 0.1), (2, 50.0, 0.12), (3, 6.0, 0.09), (3, 10.0, 0.105), (5, 6.0, 0.075)],
)
def test_ten_claims_about_arms_of_a_larger_spread(n: int, ratio: float, promised: float) -> None:
    rng, num_studies = np.random.default_rng(2), 200_000
    base = moments(rng.normal(2.3, COV, (num_studies, n)))
    arms = [moments(rng.normal(2.3, ratio * COV, (num_studies, n))) for _ in range(10)]
    p = np.array([weigh(of(2, "better").rule, [base, arm]).p for arm in arms])
    assert (p.min(axis=0) <= LEVEL / 10).mean() <= promised  # which is the first step of Holm


def test_ten_claims_where_half_are_true() -> None:
    rng, differs = np.random.default_rng(3), np.arange(10) < 5
    arms = [moments(rng.normal(2.3 + 0.4 * shift, COV, (NUM_STUDIES, 5))) for shift in differs]
    base = [moments(rng.normal(2.3, COV, (NUM_STUDIES, 5))) for _ in differs]
    found = [weigh(of(2, "better").rule, pair) for pair in zip(base, arms, strict=True)]
    adjusted = np.array([holm(tuple(study)) for study in np.array([one.p for one in found]).T]).T
    decided = adjusted <= LEVEL
    wrong = decided & np.array([one.in_favour > one.against for one in found])
    false = decided & ~differs[:, None] | wrong
    assert false.any(axis=0).mean() <= ALLOWED


def test_many_seeds_decide_every_kind_rightly_on_either_side() -> None:
    u_shape, falling = [3.0, 2.5, 2.3, 2.6, 3.1, 3.5], [3.5, 3.2, 3.0, 2.8, 2.5, 2.3]
    kinds = {"interior_minimum": u_shape, "within": [2.3, 2.4, *u_shape[3:], 2.9]}
    for kind, holds in kinds.items():
        assert rates(of(6, kind), holds, COV, 30).supported > 0.95
        assert rates(of(6, kind), falling, COV, 30).contradicted > 0.95
    assert rates(of(4, "ordering"), falling[3::-1], COV, 60).supported > 0.95
    assert rates(of(4, "ordering"), falling[:4], COV, 30).contradicted > 0.95


def test_a_flat_tail_contradicts_an_interior_minimum_that_must_exceed_a_margin() -> None:
    means = [3.5, 2.8, *[2.3] * 4]
    assert rates(of(6, "interior_minimum", 0.2), means, COV, 25).contradicted > 0.95
    assert rates(of(6, "interior_minimum", 0.0), means, COV, 20).contradicted < LEVEL
