"""Whether a report names axes and columns that there are."""

from collections.abc import Iterable
from typing import assert_never

from rgm_bench.config.axes import AxisOverlays
from rgm_bench.config.grammar import REPORT_COLUMNS
from rgm_bench.config.placed import Placed
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.study import CurveItem, ReportItem, SamplesItem, TableItem

FIDELITY_WEIGHT = ("training", "method", "fidelity_weight")


def check_report(
    report: Iterable[ReportItem],
    profile: Placed,
    axes: Iterable[AxisOverlays],
    problems: Problems,
) -> None:
    """Note every name in the report of a profile that is neither an axis nor a column."""
    known = {axis.name: axis for axis in axes}
    for index, item in enumerate(report):
        _check_item(item, _ItemPlace(profile, index, problems), known)


class _ItemPlace:
    """Where one item of a report stands."""

    def __init__(self, profile: Placed, index: int, problems: Problems) -> None:
        self._profile, self._path, self._problems = profile, ("report", index), problems

    def note(self, text: str, *below: str | int) -> None:
        path = (*self._path, *below)
        found = self._profile.get(*path) or self._profile
        self._problems.add(found.at, path, text)

    def require(self, noun: str, name: str, known: Iterable[str], *below: str | int) -> bool:
        if name in known:
            return True
        text = f'no {noun} is called "{name}"; there are: {listing(known)}{nearest(name, known)}'
        self.note(text, *below)
        return False


def _check_item(item: ReportItem, place: _ItemPlace, axes: dict[str, AxisOverlays]) -> None:
    match item:
        case TableItem():
            place.require("axis", item.rows, axes, "rows")
            for index, column in enumerate(item.columns):
                place.require("column", column, REPORT_COLUMNS, "columns", index)
        case CurveItem():
            place.require("column", item.y, REPORT_COLUMNS, "y")
            if place.require("axis", item.x, axes, "x"):
                _check_curve(item, place, axes[item.x])
        case SamplesItem():
            place.require("axis", item.over, axes, "over")
        case _:
            assert_never(item)


def _check_curve(item: CurveItem, place: _ItemPlace, axis: AxisOverlays) -> None:
    words = [label for label in axis.labels if isinstance(label, str | bool)]
    if words:
        place.note(f"a curve needs an axis of numbers; {axis.name} has {listing(words)}", "x")
    if item.second_axis and not all(over.get(*FIDELITY_WEIGHT) for over in axis.overlays):
        text = f"paper_lambda needs an axis over {'.'.join(FIDELITY_WEIGHT)}; {axis.name} is not"
        place.note(text, "second_axis")
