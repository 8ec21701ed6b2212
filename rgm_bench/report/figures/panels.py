"""Small multiples: the file behind a panel, the score over it, and what stands where it lacks."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes

from rgm_bench.report.numbers import NOTHING, decimals, number
from rgm_bench.report.select import Arm, Measure
from rgm_bench.report.style import COLORS, GREY


def first_file(arm: Arm, file_of: Callable[[str], Path | None]) -> Path | None:
    """The file of the first finished seed that has one."""
    finished = (trial["evaluation_id"] for trial in arm.trials if trial["status"] == "ok")
    return next((path for path in map(file_of, finished) if path is not None), None)


def draw_nothing(axes: Axes, arm: Arm, *, noun: str) -> None:
    """Say in an empty panel whether the arm has not finished or has no picture, or points."""
    finished = any(trial["status"] == "ok" for trial in arm.trials)
    text, color = (f"no {noun}", GREY) if finished else ("missing", COLORS[1])
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.text(0.5, 0.5, text, ha="center", va="center", color=color)


def score_lines(arm: Arm, score: Measure | None) -> list[str]:
    """`FID 3.10` for the title of a panel; no line where there is no score to speak of."""
    if score is None:
        return []
    found = score.estimate(arm)
    if found is None:
        return [NOTHING]
    center = found.center * score.column.factor
    name = score.column.title.partition(" (")[0]  # panels are narrow: no unit
    return [f"{name} {number(center, decimals(center))}"]


def score_sentence(score: Measure | None) -> str:
    """How the number over a panel was made."""
    if score is None:
        return ""
    kind = "geometric mean" if score.column.scale == "log" else "mean"
    return f" {score.column.title}: {kind} over the finished seeds."
