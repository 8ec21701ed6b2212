"""How strongly seeds speak for a rule and against it, for one study or for many at once.

A row holds only if all of its pairs do, so it is shown when the weakest of them is (intersection-
union: no correction). Some row is shown when one of them is, at a price for having had several
tries (Bonferroni). Against the claim the same holds with the words swapped: a row falls with any of
its pairs (Bonferroni over them), and all rows must fall (no correction).

Source: Berger 1982 for intersection-union tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import final

import numpy as np
from jaxtyping import Float

from rgm_bench.claims.rule import Claim, Pair, Rule
from rgm_bench.claims.welch import Contrast, Moments, Studies, contrast, moments

CONFIDENCE = 0.95


@final
@dataclass(frozen=True)
class Weights:
    """Two one-sided p values: of the data if the claim is false, and if it is true."""

    in_favour: Studies
    against: Studies

    @property
    def p(self) -> Studies:
        """Two-sided: small where either side is; at most one side is below a half of it."""
        return np.minimum(1.0, 2 * np.minimum(self.in_favour, self.against))


@final
@dataclass(frozen=True)
class Effect:
    """The pair of arms on which a claim stands or falls, and by how much they differ.

    `this` and `than` are positions among the samples; the rest is of `this` less `than`, in units
    of the scale. The interval is the plain 95 % one of that pair, None where no spread can be told.
    """

    this: int
    than: int
    difference: float
    low: float | None
    high: float | None


@final
@dataclass(frozen=True)
class Evidence:
    """What the seeds of one study say of a claim; the p values are those of `Weights`."""

    in_favour: float
    against: float
    p: float
    effect: Effect


def weigh(rule: Rule, arms: Sequence[Moments]) -> Weights:
    """Weigh the rule in each of many studies."""
    holds, fails = _sides(rule, arms)
    num_rows, num_pairs = len(rule.rows), len(rule.rows[0])
    return Weights(
        in_favour=np.minimum(1.0, num_rows * holds.max(axis=1).min(axis=0)),
        against=np.minimum(1.0, num_pairs * fails.min(axis=1).max(axis=0)),
    )


def examine(claim: Claim) -> Evidence:
    """Weigh a claim that has no problems."""
    arms = arms_of(claim)
    weights = weigh(claim.rule, arms)
    holds, _ = _sides(claim.rule, arms)
    this, than = _decisive_pair(claim.rule, holds[..., 0])
    pair = contrast(arms[this], arms[than])
    low, high = (float(bound[0]) for bound in pair.interval(CONFIDENCE))
    return Evidence(
        in_favour=float(weights.in_favour[0]),
        against=float(weights.against[0]),
        p=float(weights.p[0]),
        effect=Effect(
            this=this,
            than=than,
            difference=float(pair.difference[0]),
            low=None if isnan(low) else low,
            high=None if isnan(high) else high,
        ),
    )


def effect_without_test(claim: Claim) -> Effect | None:
    """The difference of the means, for a claim that has too few seeds; None without means."""
    if not claim.rule.rows or any(sample.flaw(claim.scale) for sample in claim.samples):
        return None
    means = [fmean(sorted(sample.on(claim.scale))) for sample in claim.samples]
    gains = [[claim.rule.sign * (means[a] - means[b]) for a, b in row] for row in claim.rule.rows]
    this, than = _decisive_pair(claim.rule, -np.array(gains))
    return Effect(this=this, than=than, difference=means[this] - means[than], low=None, high=None)


def arms_of(claim: Claim) -> list[Moments]:
    """The arms of a claim that has no problems, on its scale."""
    return [moments(np.array([sample.on(claim.scale)])) for sample in claim.samples]


def _decisive_pair(rule: Rule, doubt: Float[np.ndarray, "rows pairs"]) -> Pair:
    """The most doubtful pair of the least doubtful row: the weakest link of the best case.

    With one-sided p values as doubts the verdict is that of this pair, before any correction.
    """
    row = int(doubt.max(axis=1).argmin())
    return rule.rows[row][int(doubt[row].argmax())]


def _sides(
    rule: Rule, arms: Sequence[Moments]
) -> tuple[Float[np.ndarray, "rows pairs studies"], Float[np.ndarray, "rows pairs studies"]]:
    contrasts = [[_contrast(rule, arms, pair) for pair in row] for row in rule.rows]
    holds = [[one.above(rule.threshold) for one in row] for row in contrasts]
    fails = [[one.below(rule.threshold) for one in row] for row in contrasts]
    return np.array(holds), np.array(fails)


def _contrast(rule: Rule, arms: Sequence[Moments], pair: Pair) -> Contrast:
    this, than = arms[pair[0]], arms[pair[1]]
    return contrast(this, than) if rule.sign == 1 else contrast(than, this)
