"""What a score costs: one point an arm, the front of those that nothing beats on both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogLocator, NullLocator

from rgm_bench.config.study import ScatterItem, StudySpec
from rgm_bench.published import published_paper, published_rows
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.columns import Column, column
from rgm_bench.report.figures.drawing import Drawing, format_tick, line_colors
from rgm_bench.report.figures.labels import Named, place_labels
from rgm_bench.report.figures.real_lines import draw_real_lines, real_lines
from rgm_bench.report.naming import labels_named, words
from rgm_bench.report.numbers import label, plain
from rgm_bench.report.select import (
    Arm,
    Measure,
    Row,
    arms,
    at_main_share,
    measures,
    of_evaluation,
)
from rgm_bench.report.style import BLACK, COLORS, GREY, WIDTH, Canvas

_LOG_FROM = 5
_TICKS = 8


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


def scatter_drawings(
    study: StudySpec, trials: Sequence[Row], item: ScatterItem, *, name: str
) -> list[Drawing]:
    """The scatter that `item` asks for, once for each evaluation, space and number of samples.

    Published points stand in axes of their own: they were measured on other data. Nothing for
    what has no finished trial.
    """
    own = of_evaluation(trials, item.evaluation)
    drawings = [
        _scatter(study, own, item, measure, name=f"{name}_{place}" if place else name)
        for place, measure in enumerate(measures([(item.y, column(item.y))], own))
    ]
    return [drawing for drawing in drawings if drawing]


def _scatter(
    study: StudySpec, trials: Sequence[Row], item: ScatterItem, measure: Measure, *, name: str
) -> Drawing | None:
    main, _ = at_main_share(of_evaluation(trials, measure.evaluation))
    found = [arm for arm in arms(study, main, over=item.label) if arm.real is None]
    points, lacking = _points(found, item, measure, main)
    if not points:
        return None
    theirs = _published_points(item)
    with Canvas(2 * WIDTH if theirs else 1.3 * WIDTH, 3.1) as figure:
        panels = figure.subplots(1, 2 if theirs else 1, squeeze=False)[0]
        _draw_ours(panels[0], study, main, item, measure, points)
        if theirs:
            _draw_theirs(panels[1], item, measure.column, theirs)
            panels[0].set_title(f"ours: {main[0]['data']}, {measure.detail}")
        handles, _ = panels[0].get_legend_handles_labels()
        if handles:
            figure.legend(loc="outside lower center", ncols=4)
        for axes, drawn in zip(panels, (points, theirs), strict=False):
            place_labels(axes, [_named(point, measure.column.factor) for point in drawn])
    caption = _caption(study, item, measure, lacking, published=bool(theirs))
    return Drawing(name, study.title, caption, figure)


# --- points -----------------------------------------------------------------------------------


def _points(
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


def _published_points(item: ScatterItem) -> list[Point]:
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


def _is_joined(points: Sequence[Point]) -> bool:
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
        if not front or sign * point.y.center < sign * front[-1].y.center:
            front.append(point)
    return front


# --- drawing ----------------------------------------------------------------------------------


def _draw_ours(
    axes: Axes,
    study: StudySpec,
    trials: Sequence[Row],
    item: ScatterItem,
    measure: Measure,
    points: Sequence[Point],
) -> None:
    shown = measure.column
    names = list(dict.fromkeys(point.series for point in points))
    joined = _is_joined(points)
    colors = line_colors(len(names)) if joined else [COLORS[0]] * len(names)
    front = pareto_front(points, shown.better)
    _draw_front(axes, front, shown)
    for name, color in zip(names, colors, strict=True):
        own = sorted((p for p in points if p.series == name), key=lambda p: p.x.center)
        _draw_points(axes, own, shown, color, front)
        if joined:
            x, y = [p.x.center for p in own], [p.y.center * shown.factor for p in own]
            axes.plot(x, y, "-", color=color, lw=0.9, label=f"{words(item.label)} {name}")
    _scale(axes, item, shown, points)
    draw_real_lines(axes, real_lines(study, trials, measure, over=item.label), measure)
    axes.set_ylabel(f"{shown.title}{shown.arrow}\n{measure.detail}")


def _draw_theirs(axes: Axes, item: ScatterItem, shown: Column, points: Sequence[Point]) -> None:
    _draw_front(axes, pareto_front(points, shown.better), shown)
    x, y = [p.x.center for p in points], [p.y.center * shown.factor for p in points]
    axes.plot(x, y, "s", color=BLACK, ms=3.5)
    _scale(axes, item, shown, points)
    paper = published_paper(item.paper)
    rows = published_rows(item.paper, dataset=item.published)
    measured = dict.fromkeys(row.measured for row in rows if row.value(item.y).text)
    axes.set_title(f"published: {paper.datasets[item.published or '']}, {' / '.join(measured)}")


def _draw_front(axes: Axes, front: Sequence[Point], shown: Column) -> None:
    if len(front) > 1:
        x, y = [p.x.center for p in front], [p.y.center * shown.factor for p in front]
        axes.plot(x, y, color=GREY, lw=0.8, alpha=0.55, drawstyle="steps-post", zorder=1)


def _draw_points(
    axes: Axes, points: Sequence[Point], shown: Column, color: str, front: Sequence[Point]
) -> None:
    """Filled on the front, hollow behind it, with the interval of each number."""
    for point in points:
        x, y = point.x.center, point.y.center * shown.factor
        face = color if point in front or shown.better is None else "white"
        if point.y.low is not None and point.y.high is not None:
            axes.vlines(x, point.y.low * shown.factor, point.y.high * shown.factor, color, lw=0.9)
        if point.x.low is not None and point.x.high is not None:
            axes.hlines(y, point.x.low, point.x.high, color, lw=0.9)
        axes.plot([x], [y], "o", color=color, mfc=face, ms=4.5, zorder=4)


def _scale(axes: Axes, item: ScatterItem, shown: Column, points: Sequence[Point]) -> None:
    """Logarithms where the numbers span several times the smallest; ticks at each NFE."""
    costs = sorted({point.x.center for point in points})
    scores = [point.y.center * shown.factor for point in points]
    if _spans(costs):
        _logarithmic(axes, axes.xaxis)
    if shown.scale == "log" and _spans(scores):
        _logarithmic(axes, axes.yaxis)
    if item.x == "nfe" and len(costs) <= _TICKS:
        axes.set_xticks(costs, [plain(cost) for cost in costs])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.14, y=0.12)
    axes.set_xlabel(column(item.x).title)


def _spans(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) >= _LOG_FROM * min(values)


def _logarithmic(axes: Axes, axis: Axis) -> None:
    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(format_tick)


def _named(point: Point, factor: float) -> Named:
    low, high = point.y.low, point.y.high
    return Named(
        point.x.center,
        point.y.center * factor,
        point.text,
        None if low is None or high is None else (low * factor, high * factor),
    )


def _caption(
    study: StudySpec,
    item: ScatterItem,
    measure: Measure,
    lacking: Sequence[str],
    *,
    published: bool,
) -> str:
    shown = measure.column
    kind = "geometric mean" if shown.scale == "log" else "mean"
    parts = [
        f"{study.title}: {shown.title} against {column(item.x).title}. Point: {kind} over seeds; "
        "bars: 95% Student t intervals.",
        "Filled and on the grey line: no arm is both cheaper and better." if shown.better else "",
        f"Nothing finished yet: {'; '.join(lacking)}." if lacking else "",
    ]
    if published:
        paper = published_paper(item.paper)
        marks = "; ".join(f"({mark}) {text}" for mark, text in paper.labels.items())
        parts += [
            "Published numbers were measured on other data and stand in axes of their own: only "
            f"orders can be compared. {paper.citation}. {marks}."
        ]
    return " ".join(part for part in parts if part)
