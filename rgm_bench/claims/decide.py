"""Verdicts on all claims of a study together.

A claim is false or true; seeds may speak against either. Each side is tested at 2.5 %, so where the
truth lies at the threshold (no difference, for a margin of zero) a verdict of either sign falls in
at most 5 of 100 studies (`welch.contrast` says what unequal spreads add), and the verdict of one
comparison is what its 95 % interval says: the interval excludes the threshold. Testing each side at
5 % would find a little more and give a false verdict in 10 of 100.

Over the claims of a study the two-sided p values are adjusted by Holm. A claim that cannot be
tested counts as one with p = 1, so that no verdict vanishes when its seeds arrive. Holm bounds how
often anything is decided where nothing differs, however the claims hang together; that the sign of
a decided claim is wrong as seldom is proved for independent claims (Shaffer 1980).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, sqrt
from typing import TYPE_CHECKING, final

from rgm_bench.claims.holm import holm
from rgm_bench.claims.rule import Claim
from rgm_bench.claims.samples import Scale
from rgm_bench.claims.verdict import Decision, Verdict
from rgm_bench.claims.words import effect_name, effect_words, method_words, p_words, power_words

if TYPE_CHECKING:
    from rgm_bench.claims.weigh import Effect, Evidence

LEVEL = 0.05
"""What a p value must not exceed for a verdict."""

TARGET_POWER = 0.8


@final
@dataclass(frozen=True)
class _Family:
    """How many claims a study has, and how many of them stay open."""

    num_claims: int
    num_open: int


def decide(claims: Sequence[Claim]) -> tuple[Verdict, ...]:
    """Judge all claims of a study, in their order.

    Where seeds are missing, single or not finite the verdict is `inconclusive` and says why.
    """
    from rgm_bench.claims.weigh import examine

    evidence = [None if claim.problems() else examine(claim) for claim in claims]
    adjusted = holm([1.0 if one is None else one.p for one in evidence])
    family = _Family(len(claims), sum(p > LEVEL for p in adjusted))
    return tuple(
        _untested(claim, family) if one is None else _tested(claim, one, p_holm, family)
        for claim, one, p_holm in zip(claims, evidence, adjusted, strict=True)
    )


def _tested(claim: Claim, evidence: "Evidence", p_holm: float, family: _Family) -> Verdict:
    decision = _decision(evidence, p_holm)
    effect = _scaled(evidence.effect, claim.scale)
    name = effect_name(claim, evidence.effect.this, evidence.effect.than)
    weight = f"{effect_words(name, *effect)}, {p_words(evidence.p, p_holm, family.num_claims)}"
    power, seeds, outlook = None, None, ""
    if decision == "inconclusive":
        power, seeds, outlook = _outlook(claim, LEVEL / family.num_open)
    return Verdict(
        decision=decision,
        statement=claim.statement,
        effect=effect[0],
        effect_name=name,
        low=effect[1],
        high=effect[2],
        num_seeds=_num_seeds(claim),
        p=evidence.p,
        p_holm=p_holm,
        method=method_words(claim, family.num_claims, varies=effect[1] is not None),
        power=power,
        seeds_needed=seeds,
        explanation=f"{_OPENINGS[decision]} {claim.statement}: {weight}{outlook}.",
    )


def _untested(claim: Claim, family: _Family) -> Verdict:
    from rgm_bench.claims.weigh import effect_without_test

    reasons = "; ".join(claim.problems())
    seen = effect_without_test(claim)
    name = effect_name(claim, seen.this, seen.than) if seen else ""
    effect = _scaled(seen, claim.scale)[0] if seen else None
    shown = "" if effect is None else f" ({effect_words(name, effect, None, None)})"
    return Verdict(
        decision="inconclusive",
        statement=claim.statement,
        effect=effect,
        effect_name=name,
        low=None,
        high=None,
        num_seeds=_num_seeds(claim),
        p=None,
        p_holm=None,
        method=method_words(claim, family.num_claims, varies=True),
        power=None,
        seeds_needed=None,
        explanation=f"The seeds cannot decide whether {claim.statement}: {reasons}{shown}.",
    )


_OPENINGS: dict[Decision, str] = {
    "supported": "The seeds support that",
    "contradicted": "The seeds contradict that",
    "inconclusive": "The seeds leave open whether",
}


def _decision(evidence: "Evidence", p_holm: float) -> Decision:
    if p_holm > LEVEL:
        return "inconclusive"
    return "supported" if evidence.in_favour < evidence.against else "contradicted"


def _outlook(claim: Claim, level: float) -> tuple[float, int | None, str]:
    """Power, seeds needed and the words for both, taking what the seeds show for the truth."""
    from rgm_bench.claims.power import MOST_SEEDS, Population, power, seeds_needed
    from rgm_bench.claims.weigh import arms_of

    arms = arms_of(claim)
    populations = [Population(float(a.mean[0]), sqrt(float(a.variance[0]))) for a in arms]
    reached = power(claim.rule, populations, [a.num_seeds for a in arms], level=level)
    seeds = seeds_needed(claim.rule, populations, level=level, target=TARGET_POWER)
    words = power_words(reached, seeds, target=TARGET_POWER, most_seeds=MOST_SEEDS)
    return reached, seeds, f"; {words}"


def _scaled(effect: "Effect", scale: Scale) -> tuple[float, float | None, float | None]:
    """Effect and bounds as they are shown: ratios on the log scale."""
    low, high = effect.low, effect.high
    if scale == "plain":
        return effect.difference, low, high
    return (
        _exp(effect.difference),
        None if low is None else _exp(low),
        None if high is None else _exp(high),
    )


def _exp(logarithm: float) -> float:
    """Two seeds far apart can have a bound beyond the largest float."""
    return exp(logarithm) if logarithm < 709 else inf


def _num_seeds(claim: Claim) -> tuple[tuple[str, int], ...]:
    return tuple((sample.label, len(sample.values)) for sample in claim.samples)
