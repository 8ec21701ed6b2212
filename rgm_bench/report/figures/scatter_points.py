"""What stands in a scatter: arms, published models, and those that nothing beats on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from rgm_bench.config.study import ScatterItem
from rgm_bench.published import published_rows
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.columns import column
from rgm_bench.report.naming import labels_named
from rgm_bench.report.numbers import label
from rgm_bench.report.select import Arm, Measure, Row, measures


@final
@dataclass(frozen=True)
class Point:
    """An arm, or a published model, with what it costs and what it scores.

    `series` is shared by points that differ on other axes only.
    """

    series: str
    text: str
    x: Estimate
    y: Estimate


def arm_points(
    found: Sequence[Arm], item: ScatterItem, measure: Measure, trials: Sequence[Row]
) -> tuple[list[Point], list[str]]:
    """A point for each arm that has both numbers, and the names of the others."""
    cost = measures([(item.x, column(item.x))], trials)[0]
    points: list[Point] = []
    lacking: list[str] = []
    for arm in found:
        x, y = cost.estimate(arm), measure.estimate(arm)
        if x is None or y is None:
            lacking.append(labels_named(arm))
            continue
        others = labels_named(arm, without=item.label)
        series = label(arm.labels[item.label])
        points.append(Point(series, others or series, x, y))
    return points, lacking


def published_points(item: ScatterItem) -> list[Point]:
    """The published models that have both numbers; none where the item asks for none."""
    if item.published is None:
        return []
    rows = published_rows(item.paper, dataset=item.published)
    found = [(row, row.value(item.x), row.value(item.y)) for row in rows]
    return [
        Point("", f"{row.model} ({y.label})", _exact(x.number), _exact(y.number))
        for row, x, y in found
        if x.number is not None and y.number is not None
    ]


def _exact(value: float) -> Estimate:
    return Estimate(value, None, None, 1, "plain")


def are_joined(points: Sequence[Point]) -> bool:
    """Whether points of one series differ on other axes, so that a line joins them."""
    return len({point.series for point in points}) < len(points) and points[0].series != ""


def pareto_front(points: Sequence[Point], better: str | None) -> list[Point]:
    """The points that no other beats in one number without losing in the other, cheapest first.

    None where neither direction of the score is better.
    """
    if better is None:
        return []
    sign = 1 if better == "lower" else -1
    front: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x.center, sign * p.y.center)):
        last = front[-1] if front else point
        ties = (point.x.center, point.y.center) == (last.x.center, last.y.center)
        if ties or sign * point.y.center < sign * last.y.center:
            front.append(point)
    return front
