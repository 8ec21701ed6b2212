"""What real data scores, as lines across a figure: the level that a perfect generator reaches."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from rgm_bench.config.study import StudySpec
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.naming import origins
from rgm_bench.report.numbers import decimals, number
from rgm_bench.report.select import Measure, Row, arms
from rgm_bench.report.style import GREY


def real_lines(
    study: StudySpec, trials: Sequence[Row], measure: Measure, *, over: str
) -> list[tuple[str, Estimate]]:
    """The score of each kind of real data and what it is called; none for what is no score."""
    if measure.column.role != "score":
        return []
    real = [arm for arm in arms(study, trials, over=over) if arm.real]
    found = [(name, measure.estimate(arm)) for name, arm in zip(origins(real), real, strict=True)]
    return [(name, estimate) for name, estimate in found if estimate]


def draw_real_lines(
    axes: Axes, real: Sequence[tuple[str, Estimate]], measure: Measure
) -> list[str]:
    """Draw a dashed line each, and give their names.

    What lies far below a logarithmic axis is named in the legend alone.
    """
    axes.autoscale_view()
    low, high = axes.get_ylim()
    for place, (name, estimate) in enumerate(real):
        center = estimate.center * measure.column.factor
        style: Any = ((0, (4, 2)), (0, (1, 1.5)), "-.")[place % 3]
        text = f"{name}: {number(center, decimals(center))}"
        if axes.get_yscale() == "log" and center < low / 10:
            axes.plot([], [], color=GREY, ls=style, lw=1, label=f"{text} (below)")
        else:
            axes.axhline(center, color=GREY, ls=style, lw=1, zorder=1, label=text)
            axes.update_datalim([(0, center)], updatex=False)  # with a margin below it
            axes.autoscale_view(scalex=False)
            low, high = min(low, center), max(high, center)
    return [name for name, _ in real]
