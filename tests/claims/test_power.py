from math import log, log1p, sqrt

import pytest
from scipy import stats

from rgm_bench.claims.kinds import better, interior_minimum
from rgm_bench.claims.power import Population, power, seeds_needed
from tests.claims.simulate import named, rates

RULE = better(*named(2), scale="log", margin=0.0, direction="lower").rule
DIGITS = sqrt(log1p(0.13**2))
"""Spread of log FID over seeds where its coefficient of variation is 13 %."""


def two(ratio: float, spread: float = DIGITS) -> list[Population]:
    return [Population(2.3, spread), Population(2.3 + log(ratio), spread)]


@pytest.mark.parametrize("ratio", [1.1, 1.2, 1.3])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_is_that_of_student_t_where_welch_hardly_differs_from_it(ratio: float, n: int) -> None:
    shift = log(ratio) / DIGITS * sqrt(n / 2)
    bound = stats.t.ppf(0.975, 2 * n - 2)
    expected = stats.nct.sf(bound, 2 * n - 2, shift) + stats.nct.cdf(-bound, 2 * n - 2, shift)
    assert power(RULE, two(ratio), [n, n], level=0.05) == pytest.approx(expected, abs=0.04)


def test_is_the_share_of_drawn_studies_that_decide() -> None:
    claim = interior_minimum(named(5), scale="log", margin=0.0, direction="lower")
    means, spreads = [2.8, 2.4, 2.3, 2.5, 2.7], [0.3, 0.1, 0.13, 0.1, 0.2]
    populations = [Population(m, s) for m, s in zip(means, spreads, strict=True)]
    drawn = rates(claim, means, spreads, 5, level=0.01).decided
    assert power(claim.rule, populations, [5] * 5, level=0.01) == pytest.approx(drawn, abs=0.025)


def test_five_seeds_find_one_and_a_half_times_at_the_spread_of_digits() -> None:
    assert power(RULE, two(1.5), [5, 5], level=0.05) > 0.97
    assert power(RULE, two(1.5), [5, 5], level=0.005) > 0.7  # the first of ten claims
    assert power(RULE, two(1.5), [3, 3], level=0.05) < 0.85
    assert power(RULE, two(1.5), [2, 2], level=0.05) < 0.4


def test_seeds_needed_are_the_fewest_that_reach_the_target() -> None:
    needed = seeds_needed(RULE, two(1.2), level=0.05, target=0.8)
    assert needed is not None
    assert power(RULE, two(1.2), [needed] * 2, level=0.05) >= 0.8
    assert power(RULE, two(1.2), [needed - 1] * 2, level=0.05) < 0.8


def test_larger_effects_need_fewer_seeds_and_stricter_levels_more() -> None:
    def needed(ratio: float, level: float, target: float = 0.8) -> int:
        return seeds_needed(RULE, two(ratio), level=level, target=target) or 0

    assert needed(2.0, 0.05) < needed(1.5, 0.05) < needed(1.2, 0.05) < needed(1.1, 0.05)
    assert needed(1.2, 0.05) < needed(1.2, 0.005)
    assert needed(1.2, 0.05) < needed(1.2, 0.05, target=0.9)


def test_no_effect_needs_more_seeds_than_there_are() -> None:
    assert seeds_needed(RULE, two(1.0), level=0.05, target=0.8) is None


def test_same_number_every_time() -> None:
    first, second = (power(RULE, two(1.2), [4, 4], level=0.05) for _ in range(2))
    assert first == second


def test_arms_without_spread_are_decided_once_permutations_allow() -> None:
    still = [Population(7.0, 0.0), Population(8.0, 0.0)]
    assert seeds_needed(RULE, still, level=0.05, target=0.8) == 4  # 2 of 70
