"""A search in pictures: how it came to its best, what mattered, each parameter by itself."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from matplotlib.axes import Axes

from rgm_bench.config.search import Dimension, Range, Search, Suggestion
from rgm_bench.config.study import StudySpec
from rgm_bench.report.columns import column
from rgm_bench.report.figures.drawing import Drawing, make_logarithmic
from rgm_bench.report.naming import words
from rgm_bench.report.numbers import label
from rgm_bench.report.style import COLORS, GREY, WIDTH, Canvas
from rgm_bench.search.importance import importances

_ACROSS = 3


def search_drawings(study: StudySpec) -> Iterator[Drawing]:
    """The figures of a search; none before a trial has finished."""
    search = study.search
    assert search
    finished = [s for s in study.found.suggestions if s.scores is not None]
    if not finished:
        return
    yield _history(study, search, finished)
    yield _slices(study, search, finished)
    shares = importances(search, finished, 0)
    if shares:
        yield _importances(study, search, shares)
    if len(search.objectives) > 1:
        yield _front(study, search, finished)


def _history(study: StudySpec, search: Search, finished: Sequence[Suggestion]) -> Drawing:
    """Scores over the numbers of the trials."""
    count = len(search.objectives)
    with Canvas(min(2 * WIDTH, 1.3 * WIDTH * count), 2.4) as figure:
        for place in range(count):
            axes = figure.add_subplot(1, count, place + 1)
            numbers = [suggestion.number for suggestion in finished]
            values = [_value(search, suggestion, place) for suggestion in finished]
            best = max if column(search.objectives[place][1]).better == "higher" else min
            so_far = list(accumulate(values, best))
            end = max(s.number for s in study.found.suggestions)
            steps = [*numbers, end], [*so_far, so_far[-1]]
            axes.plot(*steps, color=GREY, lw=0.8, drawstyle="steps-post")
            axes.plot(numbers, values, "o", color=COLORS[0], ms=4, label="finished")
            pruned = (
                [s for s in study.found.suggestions if s.state == "pruned"] if not place else []
            )
            if pruned:
                factor = column(search.objectives[0][1]).factor
                last = [list(s.rungs.values())[-1] * factor for s in pruned]
                hollow: Any = {"mfc": "white", "mec": COLORS[1], "ms": 4}
                axes.plot([s.number for s in pruned], last, "o", label="pruned", **hollow)
                values = values + last
            chosen = [s for s in finished if s.number in study.found.confirmed]
            if chosen:
                y = [_value(search, suggestion, place) for suggestion in chosen]
                ring: Any = {"mfc": "none", "mec": COLORS[2], "ms": 9}
                axes.plot([s.number for s in chosen], y, "o", label="confirmed", **ring)
            _scale(axes, search, place, values)
            axes.set_xlabel("trial")
            if not place:
                axes.legend()
    caption = (
        f"{study.title}: the scores by which the search chose, the grey line the best so far. "
        "Pruned trials stand at the score of their last rung, after fewer images."
    )
    return Drawing("search_history", "History of the search", caption, figure)


def _slices(study: StudySpec, search: Search, finished: Sequence[Suggestion]) -> Drawing:
    """The first objective over each parameter, later trials darker."""
    dimensions = search.dimensions
    across = min(_ACROSS, len(dimensions))
    down = -(-len(dimensions) // across)
    everything = [_value(search, suggestion, 0) for suggestion in finished]
    with Canvas(2 * WIDTH * across / _ACROSS, 2.0 * down + 0.2) as figure:
        for place, dimension in enumerate(dimensions):
            axes = figure.add_subplot(down, across, place + 1)
            used = [s for s in finished if dimension.name in s.values]
            y = [_value(search, suggestion, 0) for suggestion in used]
            shades = [suggestion.number for suggestion in used]
            places, last = _places(dimension, used), finished[-1].number
            axes.scatter(places, y, c=shades, cmap="viridis_r", vmin=0, vmax=last, s=14, zorder=3)
            _scale(axes, search, 0, everything)
            axes.update_datalim([(x, value) for x in places[:1] for value in everything])
            axes.autoscale_view()
            _ticks(axes, dimension)
            if place % across:
                axes.set_ylabel("")
    caption = (
        f"{study.title}: each finished trial over the value of each parameter, later ones darker."
    )
    return Drawing("search_slices", "Each parameter by itself", caption, figure)


def _importances(study: StudySpec, search: Search, shares: Mapping[str, float]) -> Drawing:
    with Canvas(1.3 * WIDTH, 0.22 * len(shares) + 0.6) as figure:
        axes = figure.add_subplot()
        names = list(shares)[::-1]
        axes.barh(
            [words(name) for name in names], [shares[name] for name in names], color=COLORS[0]
        )
        axes.set_xlim(0, 1)
        axes.set_xlabel(f"share of the spread of {column(search.objectives[0][1]).title}")
    caption = (
        f"{study.title}: how much of the spread over finished trials each parameter accounts for "
        "(functional ANOVA over a random forest). A search looks where it is good, so what it "
        "soon left alone seems to matter less than it does."
    )
    return Drawing("search_importances", "What mattered", caption, figure)


def _front(study: StudySpec, search: Search, finished: Sequence[Suggestion]) -> Drawing:
    """The first objective over the second, and the trials that nothing beats in both."""
    with Canvas(1.3 * WIDTH, 2.8) as figure:
        axes = figure.add_subplot()
        points = [(_value(search, s, 1), _value(search, s, 0)) for s in finished]
        signs = [-1 if column(metric).better == "higher" else 1 for _, metric in search.objectives]
        front = sorted(p for p in points if not _is_beaten(p, points, signs[1], signs[0]))
        axes.plot(*zip(*points, strict=True), "o", mfc="white", mec=COLORS[0], ms=4)
        axes.plot(*zip(*front, strict=True), "o-", color=COLORS[0], ms=4, drawstyle="steps-post")
        _scale(axes, search, 0, [y for _, y in points])
        shown = column(search.objectives[1][1])
        axes.set_xlabel(f"{shown.title}{shown.arrow}")
    caption = f"{study.title}: filled trials are beaten by none in both."
    return Drawing("search_front", "Pareto front", caption, figure)


def _is_beaten(
    point: tuple[float, float], others: Sequence[tuple[float, float]], x_sign: int, y_sign: int
) -> bool:
    x, y = x_sign * point[0], y_sign * point[1]
    return any(x_sign * ox <= x and y_sign * oy <= y and (ox, oy) != point for ox, oy in others)


def _value(search: Search, suggestion: Suggestion, place: int) -> float:
    assert suggestion.scores
    return suggestion.scores[place] * column(search.objectives[place][1]).factor


def _scale(axes: Axes, search: Search, place: int, values: Sequence[float]) -> None:
    shown = column(search.objectives[place][1])
    if shown.scale == "log" and min(values) > 0:
        make_logarithmic(axes, axes.yaxis, values)
    axes.set_ylabel(f"{shown.title}{shown.arrow}")


def _places(dimension: Dimension, used: Sequence[Suggestion]) -> list[float]:
    if isinstance(dimension.domain, Range):
        return [float(suggestion.values[dimension.name]) for suggestion in used]
    return [dimension.domain.index(suggestion.values[dimension.name]) for suggestion in used]


def _ticks(axes: Axes, dimension: Dimension) -> None:
    axes.set_xlabel(words(dimension.name))
    if isinstance(dimension.domain, Range):
        ends = (dimension.domain.low, dimension.domain.high)
        if dimension.domain.log:
            make_logarithmic(axes, axes.xaxis, ends)
        axes.set_xlim(*ends)
        return
    places = range(len(dimension.domain))
    axes.set_xticks(list(places), [label(value) for value in dimension.domain])
    axes.set_xlim(-0.5, len(dimension.domain) - 0.5)
