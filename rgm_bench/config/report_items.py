"""Whether a report names axes, columns, evaluations and published rows that there are."""

from collections.abc import Iterable
from typing import assert_never

from rgm_bench.config.axes import AxisOverlays
from rgm_bench.config.grammar import REPORT_COLUMNS
from rgm_bench.config.placed import Placed
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.published_items import label_on, published_axis, rows_asked
from rgm_bench.config.study import (
    AxisValue,
    CurveItem,
    DensitiesItem,
    PublishedItem,
    ReportItem,
    RestorationsItem,
    SamplesItem,
    ScatterItem,
    SearchItem,
    TableItem,
)
from rgm_bench.errors import StudyError
from rgm_bench.published import published_rows

FIDELITY_WEIGHT = ("training", "method", "fidelity_weight")


def check_report(
    report: Iterable[ReportItem],
    profile: Placed,
    axes: Iterable[AxisOverlays],
    problems: Problems,
) -> None:
    """Note every name in the report of a profile that stands for nothing there is."""
    known = {axis.name: axis for axis in axes}
    for index, item in enumerate(report):
        _check_item(item, _ItemPlace(profile, index, problems), known)


class _ItemPlace:
    """Where one item of a report stands."""

    def __init__(self, profile: Placed, index: int, problems: Problems) -> None:
        self._profile, self._path, self._problems = profile, ("report", index), problems

    @property
    def study_keys(self) -> Iterable[str]:
        """What the profile has."""
        return self._profile.entries

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

    def require_evaluation(self, name: str | None, kind: str | None = None) -> None:
        """Whether there is such an evaluation, of a kind that leaves what the item draws."""
        evaluations = self._profile.entries["evaluations"].entries
        if name is None or not self.require("evaluation", name, evaluations, "evaluation"):
            return
        found = evaluations[name].get("kind")
        if kind and found and found.value != kind:
            text = f"found {name}, which is of kind {found.value}; this needs one of kind {kind}"
            self.note(text, "evaluation")


def _check_item(item: ReportItem, place: _ItemPlace, axes: dict[str, AxisOverlays]) -> None:
    match item:
        case TableItem():
            place.require("axis", item.rows, axes, "rows")
            place.require_evaluation(item.evaluation)
            for index, column in enumerate(item.columns):
                place.require("column", column, REPORT_COLUMNS, "columns", index)
        case CurveItem():
            place.require("column", item.y, REPORT_COLUMNS, "y")
            place.require_evaluation(item.evaluation)
            if place.require("axis", item.x, axes, "x"):
                _check_curve(item, place, axes)
        case SamplesItem():
            place.require("axis", item.over, axes, "over")
            place.require_evaluation(item.evaluation)
        case ScatterItem():
            place.require("axis", item.label, axes, "label")
            place.require("column", item.y, REPORT_COLUMNS, "y")
            place.require_evaluation(item.evaluation)
            _check_published_points(item, place)
        case DensitiesItem():
            place.require("axis", item.over, axes, "over")
            place.require_evaluation(item.evaluation, "points")
        case RestorationsItem():
            place.require_evaluation(item.evaluation, "restore")
        case SearchItem():
            if "search" not in place.study_keys:
                place.note("found no search in this study", "kind")
        case PublishedItem():
            place.require_evaluation(item.evaluation)
            for index, column in enumerate(item.metrics):
                place.require("column", column, REPORT_COLUMNS, "metrics", index)
            _check_published(item, place, axes)
        case _:
            assert_never(item)


def _check_curve(item: CurveItem, place: _ItemPlace, axes: dict[str, AxisOverlays]) -> None:
    axis = axes[item.x]
    words = [label for label in axis.labels if isinstance(label, str | bool)]
    if words:
        place.note(f"a curve needs an axis of numbers; {axis.name} has {listing(words)}", "x")
    if item.second_axis and not all(over.get(*FIDELITY_WEIGHT) for over in axis.overlays):
        text = f"paper_lambda needs an axis over {'.'.join(FIDELITY_WEIGHT)}; {axis.name} is not"
        place.note(text, "second_axis")
    if item.series is not None:
        place.require("axis", item.series, [name for name in axes if name != item.x], "series")


def _check_published_points(item: ScatterItem, place: _ItemPlace) -> None:
    if item.published is None:
        return
    if item.x != "nfe":
        place.note(f"published points are over nfe only; found x: {item.x}", "published")
    try:
        published_rows(item.paper, dataset=item.published)
    except StudyError as error:
        place.note(str(error), "published")


def _check_published(item: PublishedItem, place: _ItemPlace, axes: dict[str, AxisOverlays]) -> None:
    if item.dataset is None and item.table is None:
        place.note("expected a dataset or a table, whose published rows are shown")
        return
    try:
        models = [row.model for row in rows_asked(item)]
    except StudyError as error:
        place.note(str(error))
        return
    for label, model in item.rows.items():
        place.require("published model", model, models, "rows", label)
    for index, model in enumerate(item.alone or ()):
        place.require("published model", model, models, "alone", index)
    _check_labels(item, place, {name: axis.labels for name, axis in axes.items()})


def _check_labels(
    item: PublishedItem, place: _ItemPlace, axes: dict[str, tuple[AxisValue, ...]]
) -> None:
    if item.over is not None and not place.require("axis", item.over, axes, "over"):
        return
    if not item.rows:
        return
    axis = published_axis(item, axes)
    if axis is None:
        place.note(f"no axis has all of these labels: {listing(item.rows)}", "rows")
        return
    for text in item.rows:
        if label_on(axes[axis], text) is None:
            allowed = f"found {text}; allowed on {axis}: {listing(axes[axis])}"
            place.note(allowed + nearest(text, axes[axis]), "rows", text)
