"""Which trials stand behind a row: the arms of a study along an axis, and the real images.

An arm is one label on every axis, over all seeds. Arms are never averaged over a second axis: it
makes more rows. Real images are arms of their own, one for each split, data set and reference.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Any, TypeGuard, cast, final

import pandas as pd

from rgm_bench.config.study import AxisValue, StudySpec
from rgm_bench.metrics.names import MetricName
from rgm_bench.report.aggregate import Estimate, estimate
from rgm_bench.report.columns import HEADLINES, Column, column
from rgm_bench.results.frames import AXIS, axis_keys

Row = Mapping[str, Any]

_SPLITS = ("train", "test")


@final
@dataclass(frozen=True)
class Arm:
    """One row of a table: the trials of all its seeds at one share of the images.

    `labels` holds the value on each axis it has one on; `real` is the split of real images, whose
    labels are empty, and `origin` then tells their data set and reference apart.
    """

    labels: Mapping[str, AxisValue]
    real: str | None
    origin: tuple[str, str]
    trials: Sequence[Row]

    @cached_property
    def _by_evaluation(self) -> Mapping[str, Sequence[Row]]:
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        for trial in self.trials:
            groups[trial["evaluation"]].append(trial)
        return groups

    def of(self, evaluation: str | None) -> Sequence[Row]:
        """Its trials of one evaluation; None for all."""
        return self.trials if evaluation is None else self._by_evaluation.get(evaluation, ())

    def values(self, source: str, evaluation: str | None, *, once: str) -> list[float]:
        """What its finished trials say in column `source`, one value for each value of `once`."""
        found = {
            trial[once]: float(trial[source])
            for trial in self.of(evaluation)
            if trial["status"] == "ok" and _is_number(trial.get(source))
        }
        return list(found.values())

    def setting(self, source: str) -> float | None:
        """What column `source` says of the arm, whatever the seed and finished or not."""
        value = self.trials[0].get(source)
        return float(value) if _is_number(value) else None


@final
@dataclass(frozen=True)
class Measure:
    """One column of a table: a quantity, the evaluation and the column of the frame it is in."""

    short: str
    column: Column
    evaluation: str | None
    source: str
    detail: str = ""

    def values(self, arm: Arm) -> list[float]:
        """One value for each finished seed; for a training's cost, for each training."""
        once = "training_id" if self.column.role == "training" else "evaluation_id"
        return arm.values(self.source, self.evaluation, once=once)

    def estimate(self, arm: Arm) -> Estimate | None:
        """The values of an arm as one number; a setting is known before anything has finished."""
        if self.column.role != "setting":
            return estimate(self.values(arm), scale=self.column.scale)
        value = arm.setting(self.source)
        return None if value is None else Estimate(value, None, None, len(arm.trials), "plain")

    def was_planned(self, arm: Arm) -> bool:
        """Whether the study asks for this number of this arm at all."""
        if self.column.role == "training":
            return any(not is_missing(trial["training_id"]) for trial in arm.trials)
        if self.column.role != "score":
            return bool(arm.of(self.evaluation)) and arm.real is None
        name = MetricName.parse(self.source)
        return any(
            (trial["extractor"], trial["num_images"]) == (name.extractor, name.num_images)
            for trial in arm.of(self.evaluation)
        )


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The trials as plain dictionaries, with what follows from other columns."""
    frame = frame.assign(seconds_per_image=1 / frame["images_per_second"])
    return cast(list[Row], frame.to_dict("records"))


def gaps_of(trial: Row) -> dict[str, str]:
    """Why scores or costs of a trial are no numbers, by name."""
    gaps = trial.get("gaps")
    return json.loads(gaps) if isinstance(gaps, str) else {}


def of_evaluation(trials: Sequence[Row], evaluation: str | None) -> Sequence[Row]:
    """The trials of one evaluation, real data too; None for all."""
    return [t for t in trials if evaluation is None or t["evaluation"] == evaluation]


def has_label(trial: Row, axis: str) -> bool:
    """Whether a trial has a value on the axis; text, a number, or one of pandas' missing values."""
    return not is_missing(trial.get(AXIS + axis))


def arms(study: StudySpec, trials: Iterable[Row], *, over: str) -> tuple[Arm, ...]:
    """The arms that have a value on the axis `over`, in the study's order, then real images."""
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    axes = [over, *(axis for axis in study.axes if axis != over)]
    places = {axis: _places(study.axes[axis]) for axis in axes}
    for trial in trials:
        if not is_missing(trial["real"]):
            groups[(1, _SPLITS.index(trial["real"]), *_origin(trial))].append(trial)
        elif has_label(trial, over):
            groups[(0, *(_place(places[axis], trial, axis) for axis in axes))].append(trial)
    return tuple(_arm(study, axes, key, groups[key]) for key in sorted(groups))


def measures(shorts: Iterable[tuple[str, Column]], trials: Sequence[Row]) -> tuple[Measure, ...]:
    """The columns that the short names stand for: a score has one for each space and number.

    A score is a column of the evaluations whose kind has it, so none is empty by its nature.
    """
    spaces = _spaces(trials)
    evaluations = sorted({space.evaluation for space in spaces})
    many = len(evaluations) > 1
    found: list[Measure] = []
    for short, shown in shorts:
        match shown.role:
            case "score":
                measured = [space for space in spaces if space.kind == shown.measured_by]
                among = len({space.evaluation for space in measured}) > 1
                found += [_score(short, shown, space, many=among) for space in measured]
            case "evaluation":
                found += [
                    Measure(short, shown, name, shown.source, name if many else "")
                    for name in evaluations
                ]
            case "training" | "setting":
                found.append(Measure(short, shown, None, shown.source))
    return tuple(found)


def headline(trials: Sequence[Row]) -> Measure | None:
    """The one score that stands for all others where there is room for one."""
    found = measures([(name, column(name)) for name in HEADLINES], trials)
    return found[0] if found else None


@final
@dataclass(frozen=True, order=True)
class _Space:
    """What the scores of one evaluation are computed in, and of how many samples."""

    evaluation: str
    space: str
    number: int
    kind: str


def _spaces(trials: Sequence[Row]) -> list[_Space]:
    first: dict[tuple[str, str, int], Row] = {}
    for trial in trials:
        first.setdefault((trial["evaluation"], trial["extractor"], trial["num_images"]), trial)
    return sorted(
        _Space(name, space, int(number), json.loads(trial["spec"])["measure"]["kind"])
        for (name, space, number), trial in first.items()
    )


def at_main_share(trials: Sequence[Row]) -> tuple[list[Row], dict[str, float]]:
    """The trials at one share of the images for each evaluation, real ones too, and that share.

    It is the largest with a finished trial, and the largest of all while nothing has finished.
    """
    shares: dict[str, float] = {}
    for finished in (False, True):
        best: dict[str, float] = {}
        for trial in trials:
            if not isnan(trial["at"]) and (trial["status"] == "ok" or not finished):
                name = trial["evaluation"]
                best[name] = max(trial["at"], best.get(name, 0))
        shares |= best
    chosen = [t for t in trials if isnan(t["at"]) or t["at"] == shares[t["evaluation"]]]
    return chosen, shares


def _score(short: str, shown: Column, space: _Space, *, many: bool) -> Measure:
    source = str(MetricName(shown.source, space.space, space.number))
    detail = f"{space.space}, n={space.number}"
    return Measure(
        short, shown, space.evaluation, source, f"{space.evaluation}: {detail}" if many else detail
    )


def _places(labels: Sequence[AxisValue]) -> dict[AxisValue, int]:
    return {key: place for place, key in enumerate(axis_keys(labels).values())}


def _place(places: Mapping[AxisValue, int], trial: Row, axis: str) -> int:
    return places[trial[AXIS + axis]] if has_label(trial, axis) else -1


def _arm(study: StudySpec, axes: Sequence[str], key: tuple[Any, ...], trials: list[Row]) -> Arm:
    ordered = sorted(trials, key=lambda t: (t["evaluation"], t["seed"], t["evaluation_id"]))
    first = ordered[0]
    if key[0] == 1:
        return Arm({}, first["real"], _origin(first), ordered)
    labels = {
        axis: study.axes[axis][place]
        for axis, place in zip(axes, key[1:], strict=True)
        if place >= 0
    }
    return Arm(labels, None, _origin(first), ordered)


def _origin(trial: Row) -> tuple[str, str]:
    return trial["data"], trial["reference_split"]


def is_missing(value: object) -> bool:
    """Whether a cell of the frame is one of pandas' missing values."""
    return value is None or value is pd.NA or (isinstance(value, float) and isnan(value))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isnan(value)
