"""A quantity over an axis of numbers, with intervals over seeds and every seed."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from rgm_bench.config.study import CurveItem, StudySpec
from rgm_bench.report.columns import column
from rgm_bench.report.figures.curve_lines import Line, curve_lines
from rgm_bench.report.figures.drawing import MAX_ARMS, Drawing, make_logarithmic, spread
from rgm_bench.report.figures.real_lines import draw_real_lines, real_lines
from rgm_bench.report.naming import counts, words
from rgm_bench.report.numbers import plain, setting
from rgm_bench.report.select import Measure, Row, measures, of_evaluation
from rgm_bench.report.style import BLACK, COLORS, WIDTH, Canvas
from rgm_bench.results.frames import all_numbers

_LOG_FROM = 20


def curve_drawings(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, *, name: str
) -> list[Drawing]:
    """The curve that `item` asks for, once for each evaluation, space and number of samples.

    Nothing for what has no finished trial, or for an axis whose labels are not numbers.
    """
    if not all_numbers(study.axes[item.x]):
        return []
    own = of_evaluation(trials, item.evaluation)
    found = measures([(item.y, column(item.y))], own)
    drawings = [
        _curve(study, own, item, measure, name=f"{name}_{place}" if place else name)
        for place, measure in enumerate(found)
    ]
    return [drawing for drawing in drawings if drawing]


def _curve(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, measure: Measure, *, name: str
) -> Drawing | None:
    lines = curve_lines(study, trials, item, measure)
    if not any(e for line in lines for e in line.estimates):
        return None
    real = real_lines(study, trials, measure, over=item.x)
    with Canvas(WIDTH, 2.9) as figure:
        axes = figure.add_subplot()
        _scale_x(axes, item, [float(x) for x in study.axes[item.x]])
        for line in lines:
            _draw_line(axes, item, measure, line)
        _scale_y(axes, measure, lines)
        handles = draw_real_lines(axes, real, measure)
        _mark_gaps(axes, item, [line for line in lines if line.main])
        _second_axis(axes, item, lines)
        axes.set_xlabel(words(item.x))
        axes.set_ylabel(f"{measure.column.title}{measure.column.arrow}\n{measure.detail}".strip())
        if len(lines) > 1 or handles:
            # below the axes: inside them it would lie on the lines
            title = words(item.series) if item.series else None
            figure.legend(loc="outside lower center", ncols=2, title=title)
    return Drawing(name, study.title, _caption(study, item, measure, lines), figure)


def _draw_line(axes: Axes, item: CurveItem, measure: Measure, line: Line) -> None:
    factor = measure.column.factor
    points = [
        (float(arm.labels[item.x]), estimate)
        for arm, estimate in zip(line.arms, line.estimates, strict=True)
        if estimate
    ]
    x, y = [x for x, _ in points], [e.center * factor for _, e in points]
    axes.plot(
        x,
        y,
        marker="o",
        ls=line.style,
        color=line.color,
        ms=3.2 if line.main else 2.2,
        label=line.name or None,
        zorder=3,
    )
    if not line.main:
        return
    low = [np.nan if e.low is None else e.low * factor for _, e in points]
    high = [np.nan if e.high is None else e.high * factor for _, e in points]
    axes.fill_between(x, low, high, color=line.color, alpha=0.15, lw=0)
    axes.vlines(x, low, high, color=line.color, lw=0.9, zorder=3)
    seeds = [(float(arm.labels[item.x]), v) for arm in line.arms for v in measure.values(arm)]
    axes.scatter(
        [x for x, _ in seeds],
        [value * factor for _, value in seeds],
        s=11,
        facecolor="none",
        edgecolor=BLACK,
        linewidth=0.5,
        zorder=4,
    )


# --- axes -------------------------------------------------------------------------------------


def _scale_x(axes: Axes, item: CurveItem, values: Sequence[float]) -> None:
    positive = [x for x in values if x > 0]
    match item.scale:
        case "symlog" if positive:
            axes.set_xscale("symlog", linthresh=min(positive), linscale=0.7)
        case "log" if positive:
            axes.set_xscale("log")
        case _:
            axes.set_xscale("linear")
    if len(values) <= MAX_ARMS:
        axes.set_xticks(values, [plain(x) for x in values], minor=False)
        axes.set_xticks([], minor=True)


def _scale_y(axes: Axes, measure: Measure, lines: Sequence[Line]) -> None:
    """Logarithmic where the values ask for it, with room for every interval on the main line."""
    estimates = [e for line in lines for e in line.estimates if e]
    values = [v for e in estimates for v in (e.center, e.low, e.high) if v is not None]
    positive = min(e.center for e in estimates) > 0
    if measure.column.scale == "log" and positive and max(values) > _LOG_FROM * min(values):
        make_logarithmic(axes, axes.yaxis, [value * measure.column.factor for value in values])
        axes.grid(visible=True, which="minor", axis="y", lw=0.25)


def _mark_gaps(axes: Axes, item: CurveItem, lines: Sequence[Line]) -> None:
    """Under a tick whose arms lack seeds: how many of them have finished."""
    trials: defaultdict[float, list[Row]] = defaultdict(list)
    for arm in (arm for line in lines for arm in line.arms):
        trials[float(arm.labels[item.x])] += arm.trials
    gaps = {
        x: counts(found).partition(",")[0]
        for x, found in trials.items()
        if any(trial["status"] != "ok" for trial in found)
    }
    if len(axes.get_xticks()) > MAX_ARMS:
        return
    for x, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        if float(x) in gaps:
            text.set_color(COLORS[1])
    texts = [plain(x) + (f"\n{gaps[x]}" if x in gaps else "") for x in axes.get_xticks().tolist()]
    axes.set_xticks(axes.get_xticks(), texts)


def _second_axis(axes: Axes, item: CurveItem, lines: Sequence[Line]) -> None:
    """The paper's lambda at the same places: infinity where the fidelity term weighs nothing."""
    if item.second_axis is None:
        return
    arms_ = (arm for line in lines for arm in line.arms)
    found = {float(arm.labels[item.x]): arm.setting("paper_lambda") for arm in arms_}
    places = [(x, value) for x, value in sorted(found.items()) if value is not None]
    top = axes.twiny()
    _scale_x(top, item, list(found))
    top.set_xlim(axes.get_xlim())
    shown = spread(places)
    top.set_xticks([x for x, _ in shown], [setting(value) for _, value in shown])
    top.set_xticks([], minor=True)
    top.grid(visible=False)
    top.spines["top"].set_visible(True)
    top.set_xlabel("paper's λ = 1 / fidelity weight")


def _caption(study: StudySpec, item: CurveItem, measure: Measure, lines: Sequence[Line]) -> str:
    center = "geometric mean" if measure.column.scale == "log" else "mean"
    paler = " Paler: earlier in the same trainings." if any(not x.main for x in lines) else ""
    lacking = any(t["status"] != "ok" for x in lines if x.main for a in x.arms for t in a.trials)
    paler += " Under an arm: how many of its seeds have finished, where some lack." * lacking
    return (
        f"{study.title}: {measure.column.title} over {words(item.x)}. Line: {center} over seeds; "
        f"band: its 95% Student t interval; circles: each seed.{paler}"
    )
