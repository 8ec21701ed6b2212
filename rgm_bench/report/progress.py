"""How the trainings of a study went: their losses, and their scores at the snapshots."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, cast

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from rgm_bench.config.study import StudySpec
from rgm_bench.report.columns import column
from rgm_bench.report.figures import Drawing, axes_named, format_tick, labels_named, spread
from rgm_bench.report.select import Arm, Row, arms, at_main_share, measures
from rgm_bench.report.style import WIDTH, Canvas
from rgm_bench.report.tables import words

_LOSSES = ("discriminator_loss", "generator_loss", "fidelity", "prior", "r1")
_SCORE = "FID ↓"

MAX_SEEDS = 12
"""How many seeds of an arm the mean of its losses is taken over: the first ones."""


def shown_arms(study: StudySpec, trials: Sequence[Row]) -> list[Arm]:
    """The arms whose training curves are drawn."""
    if not study.axes:
        return []
    main, _ = at_main_share(trials)
    return spread([arm for arm in arms(study, main, over=next(iter(study.axes))) if not arm.real])


def training_drawing(
    study: StudySpec, trials: Sequence[Row], shown: Sequence[Arm], curves: pd.DataFrame
) -> Drawing | None:
    """The losses over images seen, a line an arm, after FID at the snapshots where there are two.

    Args:
        study: whose trainings.
        trials: the rows of its frame, whole.
        shown: the arms to draw.
        curves: the curves of their trainings, in long form.
    """
    quantities = [name for name in _LOSSES if (curves["quantity"] == name).any()]
    scores = _scores_over_images(study, trials, shown)
    panels = [*([_SCORE] if scores else []), *quantities]
    if not panels:
        return None
    means = _mean_curves(shown, curves)
    down = -(-len(panels) // 3)
    with Canvas(2 * WIDTH, 1.75 * down + 0.45) as figure:
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(down, 3, place + 1)
            axes.set_title(words(panel))
            axes.xaxis.set_major_formatter(_thousands)
            if panel == _SCORE:
                _logarithmic(axes)
            for line, arm in enumerate(shown):
                x, y = scores[line] if panel == _SCORE else means.get((line, panel), ([], []))
                marker, color = "o" if panel == _SCORE else "", _color(line, len(shown))
                axes.plot(x, y, marker=marker, ms=3, lw=1.1, color=color, label=labels_named(arm))
        figure.supxlabel("images seen", fontsize=8)
        handles, names = figure.axes[-1].get_legend_handles_labels()
        title = axes_named(shown[0])
        figure.legend(handles, names, loc="outside upper center", ncols=6, title=title)
    caption = (
        f"{study.title}: losses: mean over seeds, at most {MAX_SEEDS}; "
        "FID: geometric mean at the snapshots."
    )
    return Drawing("training", "Training", caption, figure)


def _thousands(value: float, _place: float | None = None) -> str:
    return f"{value / 1e6:g}M" if abs(value) >= 1e6 else f"{value / 1e3:g}k" if value else "0"


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(format_tick)
    axes.yaxis.set_minor_formatter("")


def _color(place: int, among: int) -> tuple[float, float, float, float]:
    """A step of a colour map that is ordered in grey too, dark to light."""
    return colormaps["viridis"](0.9 * place / max(1, among - 1))


def _scores_over_images(
    study: StudySpec, trials: Sequence[Row], shown: Sequence[Arm]
) -> list[tuple[list[float], list[float]]]:
    """Of each shown arm the images seen and the FID at its snapshots; empty with one snapshot."""
    ended = [t for t in trials if t["status"] == "ok" and t["at"] == t["at"]]
    found = measures([("fid", column("fid"))], ended)[:1]
    places = {_key(study, arm): place for place, arm in enumerate(shown)}
    lines: list[tuple[list[float], list[float]]] = [([], []) for _ in shown]
    for share, group in groupby(sorted(ended, key=lambda t: t["at"]), key=lambda t: t["at"]):
        del share
        for arm in arms(study, list(group), over=next(iter(study.axes))):
            estimate = found[0].estimate(arm)
            if estimate and estimate.center > 0 and _key(study, arm) in places:
                images, scores = lines[places[_key(study, arm)]]
                images.append(float(arm.trials[0]["images"]))
                scores.append(estimate.center)
    return lines if any(len(images) > 1 for images, _ in lines) else []


def _key(study: StudySpec, arm: Arm) -> tuple[Any, ...]:
    return tuple(arm.labels.get(axis) for axis in study.axes)


def _mean_curves(
    shown: Sequence[Arm], curves: pd.DataFrame
) -> Mapping[tuple[int, str], tuple[list[float], list[float]]]:
    place = {t["training_id"]: i for i, arm in enumerate(shown) for t in arm.trials}
    known = curves[curves["training_id"].isin(list(place))]
    arm = known["training_id"].map(place).rename("arm")
    means = known.groupby([arm, "quantity", "images"])["value"].mean().dropna().reset_index()
    lines: dict[tuple[int, str], tuple[list[float], list[float]]] = {}
    for row in cast(list[dict[str, Any]], means.to_dict("records")):
        x, y = lines.setdefault((row["arm"], row["quantity"]), ([], []))
        x.append(row["images"])
        y.append(row["value"])
    return lines
