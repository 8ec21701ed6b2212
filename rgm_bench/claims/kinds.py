"""The kinds of claims, and what each of them states.

In all of them `margin` says how much counts. On the log scale it is relative: with 0.05 the one
value is more than 1.05 times the other, whichever of them is the better. On the plain scale it is
in units of the metric. `direction` says which values of the metric are better.

The margin belongs to the statement. "Better by more than 5 %" is contradicted by seeds that show
an improvement of 2 %, and "not worse by more than 5 %" is supported by seeds that show a loss of
2 %. `not_worse` with the arms swapped is the contrary of `better`, margin for margin.

An arm that needs few evaluations "gives what another needs many for" in two claims: `not_worse`
than the expensive arm, and `better` than the other at as few evaluations.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import inf, log1p
from typing import Literal, assert_never

from rgm_bench.claims.rule import Claim, Pair, Rule
from rgm_bench.claims.samples import Sample, Scale
from rgm_bench.claims.words import listed, margin_words

Direction = Literal["lower", "higher"]
"""Which values of a metric are better."""

Trend = Literal["increasing", "decreasing"]


def better(
    this: Sample, than: Sample, *, scale: Scale, margin: float, direction: Direction
) -> Claim:
    """State that `this` is better than `than` by more than the margin.

    Raises:
        ValueError: `margin` is negative or not a number.
    """
    statement = f"{this.label} is better than {than.label}{margin_words(margin, scale)}"
    rule = Rule((((0, 1),),), _sign(direction), _threshold(margin, scale))
    return Claim(statement, (this, than), scale, rule)


def not_worse(
    this: Sample, than: Sample, *, scale: Scale, margin: float, direction: Direction
) -> Claim:
    """State that `this` is at most the margin worse than `than` (non-inferiority).

    Raises:
        ValueError: `margin` is negative or not a number.
    """
    statement = f"{this.label} is not worse than {than.label}{margin_words(margin, scale)}"
    rule = Rule((((0, 1),),), _sign(direction), -_threshold(margin, scale))
    return Claim(statement, (this, than), scale, rule)


def ordering(samples: Sequence[Sample], *, scale: Scale, margin: float, trend: Trend) -> Claim:
    """State that the metric rises (or falls) from each arm to the next by more than the margin.

    `trend` is about the values, not about which are better: FID that gets worse along an axis is
    increasing.

    Args:
        samples: the arms in the stated order.
        scale: where they are compared.
        margin: what each single step must exceed.
        trend: which way the values go.

    Raises:
        ValueError: `margin` is negative or not a number.
    """
    steps = tuple((after, before) for before, after in pairwise(range(len(samples))))
    verb = "rises" if trend == "increasing" else "falls"
    statement = f"the metric {verb} at each step of {listed(samples)}{margin_words(margin, scale)}"
    sign = 1 if trend == "increasing" else -1
    rule = Rule((steps,) if steps else (), sign, _threshold(margin, scale))
    return Claim(statement, tuple(samples), scale, rule)


def interior_minimum(
    samples: Sequence[Sample], *, scale: Scale, margin: float, direction: Direction
) -> Claim:
    """State that some arm between the two ends of an axis is better than both by the margin.

    A curve that falls and stays flat is not one: its flat part is no better than its end. With
    `direction` higher the optimum is a maximum.

    Args:
        samples: the arms in the order of the axis; fewer than three decide nothing.
        scale: where they are compared.
        margin: what the interior arm must gain over each end.
        direction: which values are better.

    Raises:
        ValueError: `margin` is negative or not a number.
    """
    last = len(samples) - 1
    rows = _rows(range(1, last), (0, last))
    statement = (
        f"the best of {listed(samples)} lies inside and beats both ends"
        f"{margin_words(margin, scale)}"
    )
    rule = Rule(rows, _sign(direction), _threshold(margin, scale))
    return Claim(statement, tuple(samples), scale, rule)


def within(
    inside: Sequence[Sample],
    outside: Sequence[Sample],
    *,
    scale: Scale,
    margin: float,
    direction: Direction,
) -> Claim:
    """State that the best arm of an axis lies in a range: some arm inside beats all outside.

    Args:
        inside: the arms in the range, such as those from d / 10 to d.
        outside: all other arms of the axis.
        scale: where they are compared.
        margin: what the arm inside must gain over each outside.
        direction: which values are better.

    Raises:
        ValueError: `margin` is negative or not a number.
    """
    total = len(inside) + len(outside)
    rows = _rows(range(len(inside)), range(len(inside), total))
    statement = (
        f"the best arm is among {listed(inside)} and beats {listed(outside)}"
        f"{margin_words(margin, scale)}"
    )
    rule = Rule(rows, _sign(direction), _threshold(margin, scale))
    return Claim(statement, (*inside, *outside), scale, rule)


def _rows(candidates: Sequence[int], rivals: Sequence[int]) -> tuple[tuple[Pair, ...], ...]:
    """One row for each candidate, in which it meets every rival."""
    if not rivals:
        return ()
    return tuple(tuple((one, rival) for rival in rivals) for one in candidates)


def _sign(direction: Direction) -> Literal[1, -1]:
    return 1 if direction == "higher" else -1


def _threshold(margin: float, scale: Scale) -> float:
    if not 0 <= margin < inf:
        raise ValueError(f"a margin is a number from 0 up; found {margin}")
    match scale:
        case "log":
            return log1p(margin)
        case "plain":
            return margin
        case _:
            assert_never(scale)
