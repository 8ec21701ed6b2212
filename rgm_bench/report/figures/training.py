"""How the trainings of a study went: their losses, and their scores at the snapshots."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, cast

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rgm_bench.config.study import StudySpec
from rgm_bench.report.figures.drawing import Drawing, make_logarithmic, spread
from rgm_bench.report.naming import axes_named, labels_named, words
from rgm_bench.report.select import Arm, Measure, Row, arms, at_main_share, headline, of_evaluation
from rgm_bench.report.style import WIDTH, Canvas, legend_columns

_NO_LOSSES = ("images", "learning_rate")
_FIRST = ("discriminator_loss", "generator_loss", "fidelity", "prior", "r1")

_Points = tuple[list[float], list[float]]
"""Where the points of a line lie: images seen, values."""

MAX_SEEDS = 12
"""How many seeds of an arm the mean of its losses is taken over: the first ones."""


def shown_arms(study: StudySpec, trials: Sequence[Row]) -> list[Arm]:
    """The arms whose training curves are drawn."""
    if not study.axes:
        return []
    score = headline(trials)
    # an axis of another evaluation alone would show every training several times
    main, _ = at_main_share(of_evaluation(trials, score.evaluation if score else None))
    return spread([arm for arm in arms(study, main, over=next(iter(study.axes))) if not arm.real])


def training_drawing(
    study: StudySpec, trials: Sequence[Row], shown: Sequence[Arm], curves: pd.DataFrame
) -> Drawing | None:
    """The losses over images seen, a line an arm, after the score at snapshots if it has two.

    None where no losses are kept, so that a page made from trials alone leaves the figure there is.

    Args:
        study: whose trainings.
        trials: the rows of its frame, whole.
        shown: the arms to draw.
        curves: the curves of their trainings, in long form.
    """
    score = headline(trials)
    scores = _scores_over_images(study, trials, shown, score) if score else []
    panels = _losses(curves)
    if not panels or not shown:
        return None
    count = len(panels) + bool(scores)
    means = _mean_curves(shown, curves)
    names = [labels_named(arm) for arm in shown]
    across = legend_columns(names, 2 * WIDTH)
    down = -(-count // 3)
    with Canvas(2 * WIDTH, 1.75 * down + 0.15 * -(-len(names) // across) + 0.3) as figure:
        if score and scores:
            _draw_scores(
                _panel(figure, down, 1, f"{score.column.title}{score.column.arrow}"), scores, score
            )
        for place, panel in enumerate(panels, 1 + count - len(panels)):
            axes = _panel(figure, down, place, words(panel))
            _draw_lines(axes, [means.get((line, panel), ([], [])) for line in range(len(shown))])
        figure.supxlabel("images seen", fontsize=8)
        handles = figure.axes[-1].get_lines()
        title = axes_named(shown[0])
        figure.legend(handles, names, loc="outside upper center", ncols=across, title=title)
    caption = f"{study.title}: losses: mean over seeds, at most {MAX_SEEDS}"
    if score and scores:
        kind = "geometric mean" if score.column.scale == "log" else "mean"
        caption += f"; {score.column.title}: {kind} at the snapshots"
    return Drawing("training", "Training", f"{caption}.", figure)


def _losses(curves: pd.DataFrame) -> list[str]:
    """What the curves hold: the usual losses first, then those of other methods."""
    there = set(curves["quantity"]) - set(_NO_LOSSES)
    return [*(n for n in _FIRST if n in there), *sorted(there - set(_FIRST))]


def _panel(figure: Figure, down: int, place: int, title: str) -> Axes:
    axes = figure.add_subplot(down, 3, place)
    axes.set_title(title)
    axes.xaxis.set_major_formatter(_thousands)
    return axes


def _draw_scores(axes: Axes, scores: Sequence[_Points], score: Measure) -> None:
    if score.column.scale == "log":
        make_logarithmic(axes, axes.yaxis, [value for _, values in scores for value in values])
    _draw_lines(axes, scores, marker="o")


def _draw_lines(axes: Axes, lines: Sequence[_Points], *, marker: str = "") -> None:
    for place, (x, y) in enumerate(lines):
        axes.plot(x, y, marker=marker, ms=3, lw=1.1, color=_color(place, len(lines)))


def _thousands(value: float, _place: float | None = None) -> str:
    return f"{value / 1e6:g}M" if abs(value) >= 1e6 else f"{value / 1e3:g}k" if value else "0"


def _color(place: int, among: int) -> tuple[float, float, float, float]:
    """A step of a colour map that is ordered in grey too, dark to light."""
    return colormaps["viridis"](0.9 * place / max(1, among - 1))


def _scores_over_images(
    study: StudySpec, trials: Sequence[Row], shown: Sequence[Arm], score: Measure
) -> list[_Points]:
    """Of each shown arm the images seen and the score at snapshots; empty with one snapshot."""
    if not shown:
        return []
    ended = [t for t in trials if t["status"] == "ok" and t["at"] == t["at"]]
    places = {_key(study, arm): place for place, arm in enumerate(shown)}
    lines: list[_Points] = [([], []) for _ in shown]
    for _, group in groupby(sorted(ended, key=lambda t: t["at"]), key=lambda t: t["at"]):
        for arm in arms(study, list(group), over=next(iter(study.axes))):
            found = score.estimate(arm)
            drawable = found and (found.center > 0 or score.column.scale == "plain")
            if found and drawable and _key(study, arm) in places:
                images, values = lines[places[_key(study, arm)]]
                images.append(float(arm.trials[0]["images"]))
                values.append(found.center * score.column.factor)
    return lines if any(len(images) > 1 for images, _ in lines) else []


def _key(study: StudySpec, arm: Arm) -> tuple[Any, ...]:
    return tuple(arm.labels.get(axis) for axis in study.axes)


def _mean_curves(shown: Sequence[Arm], curves: pd.DataFrame) -> Mapping[tuple[int, str], _Points]:
    place = {t["training_id"]: i for i, arm in enumerate(shown) for t in arm.trials}
    known = curves[curves["training_id"].isin(list(place))]
    arm = known["training_id"].map(place).rename("arm")
    means = known.groupby([arm, "quantity", "images"])["value"].mean().dropna().reset_index()
    lines: dict[tuple[int, str], _Points] = {}
    for row in cast(list[dict[str, Any]], means.to_dict("records")):
        x, y = lines.setdefault((row["arm"], row["quantity"]), ([], []))
        x.append(row["images"])
        y.append(row["value"])
    return lines
