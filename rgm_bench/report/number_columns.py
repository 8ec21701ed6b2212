"""One column of numbers over the arms of a table: estimates, how they are shown, what is best."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.naming import counts, origins
from rgm_bench.report.numbers import (
    NOTHING,
    decimals,
    label,
    number,
    setting,
    si_prefix,
    with_interval,
    with_prefix,
)
from rgm_bench.report.select import Arm, Measure, gaps_of
from rgm_bench.report.table import Cell, Header


@final
@dataclass(frozen=True)
class NumberColumn:
    """The estimates of one measure for each arm, as cells."""

    measure: Measure
    arms: Sequence[Arm]

    @cached_property
    def estimates(self) -> Sequence[Estimate | None]:
        """What each arm came to; None where nothing has finished."""
        return [self.measure.estimate(arm) for arm in self.arms]

    @cached_property
    def best(self) -> float | None:
        """The best centre of the generated arms; None where there is nothing to choose from."""
        centers = [
            e.center
            for arm, e in zip(self.arms, self.estimates, strict=True)
            if e is not None and arm.real is None
        ]
        if self.measure.column.better is None or len(set(centers)) < 2:
            return None
        return (min if self.measure.column.better == "lower" else max)(centers)

    @cached_property
    def _prefix(self) -> tuple[float, str]:
        if not self.measure.column.si:
            return 1, ""
        return si_prefix(max((abs(e.center) for e in self.estimates if e), default=1))

    def header(self) -> Header:
        """Its title with the direction that is better, and what it was measured with."""
        shown = self.measure.column
        return Header(with_prefix(shown.title, self._prefix[1]) + shown.arrow, self.measure.detail)

    def cells(self) -> list[Cell]:
        """A cell for each arm."""
        return [self._cell(arm, e) for arm, e in zip(self.arms, self.estimates, strict=True)]

    def _cell(self, arm: Arm, found: Estimate | None) -> Cell:
        if found is None:
            return _gap(self.measure, arm)
        best = arm.real is None and found.center == self.best
        match self.measure.column.role:
            case "score":
                finished = sum(t["status"] == "ok" for t in arm.of(self.measure.evaluation))
                text = with_interval(found, factor=self.measure.column.factor)
                return Cell(text + (f" (n={found.n})" if found.n < finished else ""), best)
            case "setting":
                return Cell(setting(found.center))
            case "training" | "evaluation":
                center = found.center / self._prefix[0]
                return Cell(number(center, decimals(center) if center % 1 else 0))


def _gap(measure: Measure, arm: Arm) -> Cell:
    trials = arm.of(measure.evaluation)
    if any(measure.source in gaps_of(trial) for trial in trials):
        return Cell("no number", gap=True)
    statuses = {trial["status"] for trial in trials}
    has_none = statuses == {"ok"} and measure.column.role != "training"
    if has_none or not measure.was_planned(arm):
        return Cell(NOTHING)
    alike = next(iter(statuses)) if len(statuses) == 1 else "missing"
    return Cell(str(alike) if alike in ("diverged", "failed") else "missing", gap=True)


def label_cells(axes: Sequence[str], lines: Sequence[Arm]) -> list[tuple[Cell, ...]]:
    """The first cells of each row: the value on each axis, or what real data it is."""
    return [
        (Cell(origin), *(Cell("") for _ in axes[1:]))
        if origin
        else tuple(
            Cell(label(arm.labels[axis]) if axis in arm.labels else NOTHING) for axis in axes
        )
        for arm, origin in zip(lines, origins(lines), strict=True)
    ]


def seeds_cell(arm: Arm) -> Cell:
    """The last cell of a row: how many seeds it has, for each evaluation where they differ."""
    evaluations = sorted({trial["evaluation"] for trial in arm.trials})
    texts = [counts(arm.of(evaluation)) for evaluation in evaluations]
    gap = any(trial["status"] != "ok" for trial in arm.trials)
    if len(set(texts)) == 1:
        return Cell(texts[0], gap=gap)
    named = (f"{name}: {text}" for name, text in zip(evaluations, texts, strict=True))
    return Cell("; ".join(named), gap=gap)
