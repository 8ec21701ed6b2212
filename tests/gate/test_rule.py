"""The rule of a gate, by simulation of versions with known truth."""

from collections.abc import Sequence
from math import exp, inf, isclose, log, log1p, nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rgm_bench.claims.holm import holm
from rgm_bench.claims.welch import moments
from rgm_bench.gate.power import LEVEL, detectable, seeds_that_decide
from rgm_bench.gate.rule import (
    Finding,
    Question,
    is_regression,
    judge,
    paired,
    unpaired,
    usual_margin,
    weigh,
)

NUM_CHECKS = 20_000
ALLOWED = LEVEL + 3 * sqrt(LEVEL * (1 - LEVEL) / NUM_CHECKS)
"""Three standard errors of the simulation above the promised rate."""

COV = 0.13
"""Spread of the logarithms, as FID of small digit models has it from seed to seed."""

BASELINE = (9.6, 10.1, 9.2, 10.9, 9.9)
SCATTERED = (8.5, 9.6, 10.9, 12.5, 13.5)
"""Somewhat worse, and with three times the spread: nothing is shown and nothing excluded."""


def question(
    current: Sequence[float],
    baseline: Sequence[float] = BASELINE,
    *,
    scale: str = "log",
    better: str = "lower",
    margin: float = 0.02,
    in_pairs: bool = False,
) -> Question:
    def by_seed(values: Sequence[float]) -> dict[str, float]:
        return {str(seed): value for seed, value in enumerate(values)}

    return Question("fid", by_seed(current), by_seed(baseline), scale, better, margin, in_pairs)


def judged(*args, **options) -> Finding:
    (finding,) = judge([question(*args, **options)])
    return finding


def regressions(
    num_current: int,
    num_baseline: int,
    *,
    worse: float = 0.0,
    margin: float = 0.0,
    numbers: int = 1,
) -> "np.ndarray":
    """Whether each of many checks calls a regression, with the numbers of a gate independent."""
    rng = np.random.default_rng(0)
    weighed = [
        weigh(
            unpaired(
                moments(worse + COV * rng.normal(size=(NUM_CHECKS, num_current))),
                moments(COV * rng.normal(size=(NUM_CHECKS, num_baseline))),
                "lower",
            )
        )
        for _ in range(numbers)
    ]
    p = np.array([holm(row.tolist()) for row in np.stack([o.p_worse for o in weighed], axis=1)])
    shown = np.stack([one.worse for one in weighed], axis=1)
    return is_regression(shown, p, margin).any(axis=1)


@pytest.mark.statistics
@pytest.mark.parametrize(("current", "baseline"), [(5, 5), (8, 8), (5, 8), (5, 20), (8, 5)])
@pytest.mark.parametrize("numbers", [1, 3])
def test_false_alarms_are_at_most_five_of_a_hundred(current, baseline, numbers) -> None:
    assert regressions(current, baseline, numbers=numbers).mean() <= ALLOWED


@pytest.mark.statistics
@pytest.mark.parametrize(("current", "baseline"), [(5, 5), (8, 8), (5, 20), (5, 8)])
@pytest.mark.parametrize("share", [0.0, 0.45, 3.0])
def test_what_it_calls_detectable_is_found_nine_times_in_ten(current, baseline, share) -> None:
    """As in use: each baseline has the spread that it happened to measure, and its own margin."""
    found = check(current, baseline, share=share, numbers=1, level=LEVEL)
    assert found.mean() == pytest.approx(0.9, abs=0.02)


@pytest.mark.statistics
def test_of_several_numbers_each_is_found_as_often_as_is_said() -> None:
    assert 0.88 <= check(5, 5, share=0.45, numbers=3, level=LEVEL / 3).mean() <= 0.94


def check(current: int, baseline: int, *, share: float, numbers: int, level: float) -> np.ndarray:
    """Whether each of many checks calls a worsening by `detectable` of the first number.

    Args:
        current: seeds.
        baseline: seeds.
        share: the margin, in units of the measured spread.
        numbers: of the gate; only the first one worsens.
        level: that `detectable` is told.
    """
    rng = np.random.default_rng(2)
    times = detectable(current, baseline, spread=1.0, margin=share, level=level)
    p, shown, margins = [], [], []
    for number in range(numbers):
        before = moments(COV * rng.normal(size=(NUM_CHECKS, baseline)))
        measured = np.sqrt(before.variance)
        worse = times * measured if number == 0 else np.zeros(NUM_CHECKS)
        now = moments(worse[:, None] + COV * rng.normal(size=(NUM_CHECKS, current)))
        found = weigh(unpaired(now, before, "lower"))
        p.append(found.p_worse)
        shown.append(found.worse)
        margins.append(share * measured)
    adjusted = np.array([holm(row.tolist())[0] for row in np.stack(p, axis=1)])
    return is_regression(shown[0] - margins[0], adjusted, 0.0)


@settings(max_examples=20)
@given(st.integers(5, 30), st.integers(5, 30), st.floats(1e-3, 10), st.floats(0, 3))
def test_detectable_scales_with_the_spread_and_grows_with_margin_and_fewer_seeds(
    current, baseline, spread, share
) -> None:
    here = detectable(current, baseline, spread=spread, margin=share * spread)
    assert isclose(here, spread * detectable(current, baseline, spread=1.0, margin=share))
    assert here > share * spread
    assert here <= detectable(current, baseline, spread=spread, margin=(share + 1) * spread)
    assert here > detectable(current + 5, baseline + 5, spread=spread, margin=share * spread)
    assert here <= detectable(current, baseline, spread=spread, margin=share * spread, level=0.01)


def test_rulings() -> None:
    assert judged(BASELINE).ruling == "pass"
    assert judged([1.5 * value for value in BASELINE]).ruling == "regression"
    assert judged([value / 1.5 for value in BASELINE]).ruling == "improvement"
    assert judged(SCATTERED).ruling == "inconclusive"


@pytest.mark.statistics
def test_in_pairs_false_alarms_are_at_most_five_of_a_hundred() -> None:
    rng = np.random.default_rng(3)
    for num in (5, 8, 16):
        found = weigh(paired(moments(0.03 * rng.normal(size=(NUM_CHECKS, num)))))
        assert is_regression(found.worse, found.p_worse, 0.0).mean() <= ALLOWED


def test_pairs_find_what_is_lost_in_the_spread_of_seeds() -> None:
    """Seeds spread by 13 %; measuring the same weights otherwise adds 5 %, with noise of 1 %."""
    rng = np.random.default_rng(4)
    seeds = np.exp(COV * rng.normal(size=8))
    worse = seeds * np.exp(0.05 + 0.01 * rng.normal(size=8))
    assert judged(worse, seeds).ruling == "pass"
    found = judged(worse, seeds, in_pairs=True)
    assert found.ruling == "regression"
    assert found.low is not None
    assert found.high is not None
    assert found.low < exp(0.05) < found.high
    assert judged(seeds, worse, in_pairs=True).ruling == "not comparable"
    assert judged(worse, seeds, in_pairs=True, better="higher").ruling == "not comparable"
    assert judged(worse, seeds, in_pairs=True, margin=0.1).ruling == "pass"


def test_pairs_without_any_difference_pass_and_one_sign_of_many_decides() -> None:
    same = judged(BASELINE, BASELINE, in_pairs=True, margin=0.0)
    assert (same.ruling, same.effect, same.p) == ("pass", 1.0, 1.0)
    half = judged([value + 0.5 for value in BASELINE], scale="plain", in_pairs=True, margin=0.0)
    assert half.ruling == "regression"
    assert half.p is not None
    assert half.p <= 1 / 2**5


def test_higher_may_be_better() -> None:
    assert judged([1.5 * value for value in BASELINE], better="higher").ruling == "improvement"
    assert judged([value / 1.5 for value in BASELINE], better="higher").ruling == "regression"


def test_a_difference_within_the_margin_is_no_regression_however_sure_it_is() -> None:
    exact = [10.0, 10.001, 10.002, 9.999, 9.998]
    assert judged([1.01 * value for value in exact], exact, margin=0.02).ruling == "pass"
    assert judged([1.03 * value for value in exact], exact, margin=0.02).ruling == "regression"


def test_a_seed_that_diverged_is_a_regression_and_is_named() -> None:
    finding = judged([9.6, nan, 9.2, 10.9, 9.9, 10.0])
    assert finding.ruling == "regression"
    assert "seed 1" in finding.reason
    assert judged([9.6, inf, 9.2, 10.9, 9.9]).ruling == "regression"


def test_a_seed_that_had_diverged_in_the_baseline_too_decides_nothing() -> None:
    assert judged([*BASELINE, nan], [*BASELINE, nan]).ruling == "pass"
    few = judged([*BASELINE[:4], nan], [*BASELINE[:4], nan])
    assert few.ruling == "inconclusive"
    assert "4 seeds of this code gave a value; 5 are needed" in few.reason


def test_numbers_that_never_vary() -> None:
    eight = [8.0] * 5
    assert judged(eight, eight, scale="plain", better="higher", margin=0.0).ruling == "pass"
    seven = judged([7.0] * 5, eight, scale="plain", better="higher", margin=0.0)
    assert seven.ruling == "regression"


values = st.lists(st.floats(1, 100), min_size=5, max_size=8)


@settings(max_examples=40)
@given(values, values, st.floats(0.1, 10), st.randoms(use_true_random=False))
def test_units_and_the_order_of_seeds_do_not_matter(current, baseline, unit, random) -> None:
    plain = judged(current, baseline)
    shuffled = random.sample(current, len(current)), random.sample(baseline, len(baseline))
    assert judged(*shuffled) == plain
    scaled = judged([unit * v for v in current], [unit * v for v in baseline])
    assert scaled.effect == pytest.approx(plain.effect)
    if plain.detectable:
        assert scaled.detectable == pytest.approx(plain.detectable, rel=1e-6, abs=1e-9)


def test_the_usual_margin_is_the_standard_error_of_their_mean() -> None:
    spread = np.std(np.log(BASELINE), ddof=1)
    seeds: dict[str, float | None] = {str(seed): value for seed, value in enumerate(BASELINE)}
    assert usual_margin(seeds, "log") == pytest.approx(exp(spread / sqrt(5)) - 1)
    assert usual_margin({**seeds, "5": None}, "log") == usual_margin(seeds, "log")
    assert usual_margin({"0": 1.0, "1": 2.0, "2": 3.0}, "plain") == pytest.approx(1 / sqrt(3))
    assert usual_margin({"0": 1.0}, "plain") == usual_margin({"0": 0.0, "1": 1.0}, "log") == 0


@pytest.mark.statistics
def test_the_advised_seeds_decide_as_often_as_is_said() -> None:
    margin, worse = log1p(0.05), log(1.12)
    num = seeds_that_decide(worse, more_than=5, spread=COV, margin=margin)
    assert num is not None
    rng = np.random.default_rng(1)
    before = moments(COV * rng.normal(size=(NUM_CHECKS, num)))
    now = moments(worse + COV * rng.normal(size=(NUM_CHECKS, num)))
    found = weigh(unpaired(now, before, "lower"))
    some = slice(500)  # each with the smallest worsening that its own spread says
    smallest = [
        detectable(num, num, spread=spread, margin=margin)
        for spread in np.sqrt(before.variance[some]).tolist()
    ]
    regressed = is_regression(found.worse, found.p_worse, margin)[some]
    decided = (regressed | (found.bound[some] < smallest)).mean()
    assert 0.86 <= decided <= 0.96


def test_seeds_are_advised_where_nothing_is_decided() -> None:
    finding = judged(SCATTERED)
    assert finding.seeds_needed is not None
    assert finding.seeds_needed > 5
