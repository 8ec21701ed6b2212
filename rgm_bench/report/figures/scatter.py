"""What a score costs: one point an arm, the front of those that nothing beats on both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from rgm_bench.config.study import ScatterItem, StudySpec
from rgm_bench.published import published_paper, published_rows
from rgm_bench.report.columns import Column, column
from rgm_bench.report.figures.drawing import Drawing, line_colors, make_logarithmic
from rgm_bench.report.figures.labels import Named, place_labels
from rgm_bench.report.figures.real_lines import draw_real_lines, real_lines
from rgm_bench.report.figures.scatter_points import (
    Point,
    are_joined,
    arm_points,
    pareto_front,
    published_points,
)
from rgm_bench.report.naming import words
from rgm_bench.report.numbers import plain, setting, si_prefix, with_prefix
from rgm_bench.report.select import Measure, Row, arms, at_main_share, measures, of_evaluation
from rgm_bench.report.style import BLACK, COLORS, GREY, WIDTH, Canvas

_LOG_FROM = 5
_ROOM = 0.08
"""The share of an axis that a tick with its number takes."""

_MANY = 8
"""Arms from which on numbers stand at the points, and the names in a key beside the panel."""

_KEY_WIDTH = 1.6
"""Of that key, in inches."""

_APART = 4.0
"""Points (of 72 an inch) between series that cost the same."""


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
    points, lacking = arm_points(found, item, measure, main)
    if not points:
        return None
    theirs = published_points(item)
    points, key = _numbered(points) if _needs_key(points) else (points, [])
    width = (2 * WIDTH if theirs else 1.3 * WIDTH) + (_KEY_WIDTH if key else 0)
    with Canvas(width, 3.1) as figure:
        panels = figure.subplots(1, 2 if theirs else 1, squeeze=False)[0]
        _draw_ours(panels[0], study, main, item, measure, points)
        if theirs:
            _draw_theirs(panels[1], item, measure.column, theirs)
            panels[0].set_title(f"ours: {main[0]['data']}, {measure.detail}")
        handles, _ = panels[0].get_legend_handles_labels()
        if handles:
            figure.legend(loc="outside lower center", ncols=4)
        if key:
            nothing = [Line2D([], [], ls="") for _ in key]
            title = "ours" if theirs else None
            figure.legend(nothing, key, title=title, loc="outside right upper", handlelength=0)
        for axes, drawn in zip(panels, (points, theirs), strict=False):
            looks = _looks(item, drawn)
            named = [_named(p, measure.column.factor, looks[p.series]) for p in drawn]
            place_labels(axes, named)
    caption = _caption(study, item, measure, lacking, published=bool(theirs))
    return Drawing(name, study.title, caption, figure)


def _needs_key(points: Sequence[Point]) -> bool:
    return len(points) > _MANY and not are_joined(points)


def _numbered(points: Sequence[Point]) -> tuple[list[Point], list[str]]:
    """The points from cheap to expensive with numbers for names, and the key to these."""
    ordered = sorted(points, key=lambda point: (point.x.center, point.y.center))
    named = [(str(number), point) for number, point in enumerate(ordered, 1)]
    key = [f"{number}  {point.text}" for number, point in named]
    return [replace(point, text=number) for number, point in named], key


# --- drawing ----------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Look:
    """How the points of one series look.

    `name` is empty where no line joins them. `right` sets series apart that cost the same.
    """

    color: str
    name: str = ""
    right: float = 0.0


def _looks(item: ScatterItem, points: Sequence[Point]) -> dict[str, _Look]:
    names = list(dict.fromkeys(point.series for point in points))
    if not are_joined(points):
        return dict.fromkeys(names, _Look(COLORS[0]))
    colors, middle = line_colors(len(names)), (len(names) - 1) / 2
    return {
        name: _Look(colors[place], f"{words(item.label)} {name}", _APART * (place - middle))
        for place, name in enumerate(names)
    }


def _draw_ours(
    axes: Axes,
    study: StudySpec,
    trials: Sequence[Row],
    item: ScatterItem,
    measure: Measure,
    points: Sequence[Point],
) -> None:
    shown = measure.column
    front = pareto_front(points, shown.better)
    _draw_front(axes, front, shown)
    for name, look in _looks(item, points).items():
        own = sorted((p for p in points if p.series == name), key=lambda p: p.x.center)
        _draw_points(axes, own, shown, look, front)
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
    axes: Axes, points: Sequence[Point], shown: Column, look: _Look, front: Sequence[Point]
) -> None:
    """Filled on the front, hollow behind it, with the interval of each number."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    shift = ScaledTranslation(look.right / 72, 0, figure.dpi_scale_trans)
    style: Any = {"color": look.color, "transform": axes.transData + shift, "lw": 0.9}
    for point in points:
        x, y = point.x.center, point.y.center * shown.factor
        low, high = point.y.low, point.y.high
        ends = [y] if low is None or high is None else [low * shown.factor, high * shown.factor]
        axes.update_datalim([(x, end) for end in ends])  # which a shifted line leaves alone
        axes.plot([x] * len(ends), ends, **style)
        if point.x.low is not None and point.x.high is not None:
            axes.plot([point.x.low, point.x.high], [y, y], **style)
        filled = point in front or shown.better is None
        face = look.color if filled else "white"
        axes.plot([x], [y], "o", mfc=face, ms=4.5, zorder=4, **style)
    if look.name:
        x, y = [p.x.center for p in points], [p.y.center * shown.factor for p in points]
        axes.plot(x, y, "-", label=look.name, **style)


def _scale(axes: Axes, item: ScatterItem, shown: Column, points: Sequence[Point]) -> None:
    """Logarithms where the numbers span several times the smallest; ticks at each NFE."""
    costs = sorted({point.x.center for point in points})
    scores = [point.y.center * shown.factor for point in points]
    axes.margins(x=0.18, y=0.12)
    if _spans(costs):
        make_logarithmic(axes, axes.xaxis, costs)
    if shown.scale == "log" and _spans(scores):
        make_logarithmic(axes, axes.yaxis, scores)
    if item.x == "nfe" and _have_room(costs):
        axes.set_xticks(costs, [plain(cost) for cost in costs])
    axes.minorticks_off()
    axes.set_xlabel(column(item.x).title)
    if column(item.x).si:
        size, letter = si_prefix(costs[-1])
        axes.xaxis.set_major_formatter(lambda cost, _place: setting(cost / size))
        axes.set_xlabel(with_prefix(column(item.x).title, letter))


def _spans(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) >= _LOG_FROM * min(values)


def _have_room(costs: Sequence[float]) -> bool:
    """Whether ticks at these places leave room for their numbers."""
    places = np.log(costs) if _spans(costs) else np.asarray(costs)
    extent = float(places[-1] - places[0])
    return len(costs) == 1 or float(np.diff(places).min()) > _ROOM * extent


def _named(point: Point, factor: float, look: _Look) -> Named:
    low, high = point.y.low, point.y.high
    return Named(
        point.x.center,
        point.y.center * factor,
        point.text,
        None if low is None or high is None else (low * factor, high * factor),
        look.right,
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
        rows = published_rows(item.paper, dataset=item.published)
        used = {row.value(item.y).label for row in rows}
        marks = "; ".join(f"({mark}) {text}" for mark, text in paper.labels.items() if mark in used)
        parts.append(
            "Published numbers were measured on other data and stand in axes of their own: only "
            f"orders can be compared. {paper.citation}. {marks}."
        )
    return " ".join(part for part in parts if part)
