"""The history of a gate, drawn: every check and every baseline, number by number."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes

from rgm_bench.gate.history import Entry
from rgm_bench.report.columns import COLUMNS
from rgm_bench.report.figures.drawing import make_logarithmic
from rgm_bench.report.style import COLORS, GREY, WIDTH, Canvas, rendered

MOST_SHOWN = 60
"""The last entries of a number that there is room for."""

_VERDICTS = {
    "pass": COLORS[2],
    "improvement": COLORS[0],
    "regression": COLORS[1],
    "inconclusive": COLORS[4],
    "not comparable": GREY,
}


def history_figure(entries: Sequence[Entry]) -> tuple[bytes, bytes]:
    """The figure as SVG and as PNG.

    Args:
        entries: oldest first; at least one of them has values.
    """
    numbers = list(dict.fromkeys(entry.number for entry in entries if entry.values))
    with Canvas(2 * WIDTH, 2.2 * len(numbers) + 0.3) as figure:
        for place, number in enumerate(numbers):
            axes = figure.add_subplot(len(numbers), 1, place + 1)
            shown = [e for e in entries if e.number == number and e.values][-MOST_SHOWN:]
            _draw(axes, number, shown)
        return rendered(figure)


def mean_of(entry: Entry) -> float:
    """The mean over seeds, geometric for what is compared as a ratio."""
    if is_ratio(entry.number) and min(entry.values) > 0:
        return exp(fmean(map(log, entry.values)))
    return fmean(entry.values)


def is_ratio(number: str) -> bool:
    """Whether a number is compared as a ratio: distances and speeds are."""
    metric = number.rsplit(": ", 1)[-1]
    if "." not in metric:
        return True
    about = COLUMNS.get(metric.split(".")[0])
    return about is not None and about.scale == "log"


def _draw(axes: Axes, number: str, entries: Sequence[Entry]) -> None:
    axes.set_title(number, loc="left")
    known: dict[str, None] = {}
    for x, entry in enumerate(entries):
        is_baseline = entry.kind == "baseline"
        color = GREY if is_baseline else _VERDICTS.get(entry.verdict, GREY)
        name = "baseline" if is_baseline else entry.verdict
        label = None if name in known else name
        known[name] = None
        axes.plot([x] * len(entry.values), list(entry.values), ".", color=color, ms=3, alpha=0.5)
        mark: Any = {"marker": "D" if is_baseline else "o", "ms": 5, "ls": "none"}
        axes.plot([x], [mean_of(entry)], color=color, label=label, **mark)
    _draw_baselines(axes, entries)
    values = [value for entry in entries for value in entry.values]
    if values and is_ratio(number) and min(values) > 0:
        make_logarithmic(axes, axes.yaxis, values)
    commits = [(entry.commit or "")[:7] for entry in entries]
    axes.set_xticks(list(range(len(entries))), commits, rotation=90)
    if known:
        axes.legend(ncols=len(known), loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)


def _draw_baselines(axes: Axes, entries: Sequence[Entry]) -> None:
    """The mean of each baseline as far as it was the one to compare with."""
    places = [place for place, entry in enumerate(entries) if entry.kind == "baseline"]
    for begin, end in pairwise([*places, len(entries) - 1]):
        level = mean_of(entries[begin])
        axes.plot([begin, end], [level, level], color=GREY, lw=0.8, zorder=0)
