import subprocess
import sys
from math import exp, inf, log, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rgm_bench.claims import Sample, better, decide, interior_minimum, not_worse, ordering, within
from rgm_bench.claims.rule import Claim

unhurried = settings(deadline=None, max_examples=50)

FEW = Sample("T=4", (9.6, 10.1, 9.2, 10.9, 9.9))
TWO = Sample("T=2", (10.5, 9.5, 11.0, 10.0, 10.6))
ONE = Sample("T=1", (31.0, 36.2, 29.8, 33.3, 35.1))


def is_better(this: Sample, than: Sample, margin: float = 0.0) -> Claim:
    return better(this, than, scale="log", margin=margin, direction="lower")


def test_a_clear_difference_is_supported_one_way_and_contradicted_the_other() -> None:
    good, bad = decide([is_better(FEW, ONE), is_better(ONE, FEW)])
    assert (good.decision, bad.decision) == ("supported", "contradicted")
    assert good.explanation == (
        "The seeds support that T=4 is better than T=1: T=4 / T=1 is 0.301 [0.27, 0.335], "
        "p < 0.0001 (< 0.0001 among 2 claims)."
    )
    assert bad.explanation.startswith("The seeds contradict that T=1 is better than T=4: T=1 / T=4")
    assert good.effect == pytest.approx(1 / bad.effect) if bad.effect else False
    assert good.method == (
        "Welch's t test of logarithms of unpaired seeds, 2.5 % on either side; Holm over 2 claims"
    )


def test_effect_is_the_ratio_of_geometric_means_with_the_interval_of_welch() -> None:
    (verdict,) = decide([is_better(FEW, TWO)])
    logs = [[log(value) for value in arm.values] for arm in (FEW, TWO)]
    bounds = stats.ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    assert verdict.effect == pytest.approx(stats.gmean(FEW.values) / stats.gmean(TWO.values))
    assert (verdict.low, verdict.high) == pytest.approx((exp(bounds.low), exp(bounds.high)))
    assert verdict.num_seeds == (("T=4", 5), ("T=2", 5))


def test_plain_scale_reports_a_difference() -> None:
    claim = better(ONE, FEW, scale="plain", margin=2.0, direction="higher")
    (verdict,) = decide([claim])
    assert verdict.effect == pytest.approx(33.08 - 9.94)
    assert verdict.effect_name == "T=1 - T=4"
    assert verdict.statement == "T=1 is better than T=4 by more than 2"


@unhurried
@given(st.floats(0.5, 2.0), st.sampled_from([0.0, 0.05]), st.booleans())
def test_a_lone_comparison_is_decided_where_its_interval_excludes_the_margin(
    shift: float, margin: float, loss: bool
) -> None:
    shifted = Sample("b", tuple(shift * value for value in TWO.values))
    kind = not_worse if loss else better
    (verdict,) = decide([kind(FEW, shifted, scale="log", margin=margin, direction="lower")])
    edge = 1 + margin if loss else 1 / (1 + margin)
    assert verdict.low is not None
    assert verdict.high is not None
    assert (verdict.decision == "supported") == (verdict.high < edge)
    assert (verdict.decision == "contradicted") == (verdict.low > edge)


def test_a_claim_that_alone_would_hold_may_not_among_others() -> None:
    close = Sample("close", (11.2, 10.3, 12.2, 10.6, 11.7))
    (alone,) = decide([is_better(FEW, close)])
    among = decide([is_better(FEW, close)] + [is_better(FEW, TWO)] * 9)[0]
    assert (alone.decision, among.decision) == ("supported", "inconclusive")
    assert alone.p == among.p
    assert alone.p is not None
    assert among.p_holm == pytest.approx(10 * alone.p)


def test_inconclusive_says_what_the_study_could_have_found() -> None:
    (verdict,) = decide([is_better(FEW, TWO)])
    assert verdict.decision == "inconclusive"
    assert verdict.power is not None
    assert 0.05 < verdict.power < 0.8
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed > 5
    assert f"and {verdict.seeds_needed} seeds an arm would with 0.8." in verdict.explanation


def test_arms_that_seem_alike_would_need_more_seeds_than_anybody_has() -> None:
    (verdict,) = decide([is_better(FEW, Sample("same", FEW.values))])
    assert verdict.seeds_needed is None
    assert "more than 1000 seeds an arm" in verdict.explanation


@pytest.mark.parametrize("values", [(), (1.0,), (nan, 1.0), (inf, 1.0, 2.0), (0.0, 1.0), (-1.0,)])
def test_no_data_is_ever_an_error(values: tuple[float, ...]) -> None:
    odd = Sample("odd", values)
    lower = {"scale": "log", "margin": 0.05, "direction": "lower"}
    claims = [
        better(odd, FEW, **lower),
        not_worse(FEW, odd, **lower),
        ordering([FEW, odd, ONE], scale="log", margin=0.0, trend="increasing"),
        interior_minimum([FEW, odd, ONE], **lower),
        within([odd], [FEW, ONE], **lower),
    ]
    for verdict in decide(claims):
        assert (verdict.decision, verdict.p, verdict.p_holm) == ("inconclusive", None, None)
        assert "odd has" in verdict.explanation or "of odd gave" in verdict.explanation


def test_single_seeds_show_an_effect_and_decide_nothing() -> None:
    pair = [Sample("a", (3.0,)), Sample("b", (6.0,))]
    (verdict,) = decide([is_better(*pair)])
    assert verdict.effect == pytest.approx(0.5)
    assert verdict.explanation == (
        "The seeds cannot decide whether a is better than b: a has one seed, and a spread needs "
        "two; b has one seed, and a spread needs two (a / b is 0.5)."
    )


def test_a_claim_that_cannot_be_tested_counts_among_the_claims() -> None:
    first, _ = decide([is_better(FEW, TWO), is_better(FEW, Sample("none", ()))])
    assert first.p_holm == pytest.approx(2 * first.p) if first.p else False


def test_the_pair_that_decides_is_named() -> None:
    (order,) = decide([ordering([FEW, TWO, ONE], scale="log", margin=0.0, trend="increasing")])
    assert order.effect_name == "T=2 / T=4"  # the step that is in doubt
    curve = [ONE, FEW, TWO, ONE]
    (best,) = decide([interior_minimum(curve, scale="log", margin=0.0, direction="lower")])
    assert (best.decision, best.effect_name) == ("supported", "T=4 / T=1")


def test_arms_without_spread_have_no_interval_and_a_named_test() -> None:
    modes = [Sample("all", (8.0,) * 5), Sample("most", (7.0,) * 5)]
    (five,) = decide([better(*modes, scale="plain", margin=0.0, direction="higher")])
    assert (five.decision, five.effect, five.low, five.high) == ("supported", 1.0, None, None)
    assert five.p == pytest.approx(2 / 252)
    assert "permutation test where neither arm varies" in five.method


def test_bounds_beyond_the_largest_float_are_infinite() -> None:
    wild = Sample("wild", (1e-90, 1e90)), Sample("tame", (1.0, 1.1))
    (verdict,) = decide([is_better(*wild)])
    assert (verdict.decision, verdict.high) == ("inconclusive", inf)


def test_no_claims_no_verdicts() -> None:
    assert decide([]) == ()


def test_stating_claims_imports_no_numpy() -> None:
    code = (
        "import sys; from rgm_bench.claims import Sample, better; "
        "better(Sample('a', ()), Sample('b', ()), scale='log', margin=0.0, direction='lower'); "
        "print([name for name in ('numpy', 'scipy', 'torch') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
