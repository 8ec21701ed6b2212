"""Which trials stand behind a row: the arms of a study along an axis, and the real images.

An arm is one label on every axis, over all seeds. Arms are never averaged over a second axis: it
makes more rows. Real images are arms of their own, one for each split, data set and reference.
"""

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
from rgm_bench.report.columns import Column
from rgm_bench.results.frames import AXIS, axis_keys

Row = Mapping[str, Any]


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
        if self.column.role != "score":
            return bool(arm.of(self.evaluation)) and arm.real is None
        name = MetricName.parse(self.source)
        return any(
            (trial["extractor"], trial["num_images"]) == (name.extractor, name.num_images)
            for trial in arm.of(self.evaluation)
        )


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The trials as plain dictionaries."""
    return cast(list[Row], frame.to_dict("records"))


def has_label(trial: Row, axis: str) -> bool:
    """Whether a trial has a value on the axis; text, a number, or one of pandas' missing values."""
    return not _is_missing(trial.get(AXIS + axis))


def arms(study: StudySpec, trials: Iterable[Row], *, over: str) -> tuple[Arm, ...]:
    """The arms that have a value on the axis `over`, in the study's order, then real images."""
    groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    axes = [over, *(axis for axis in study.axes if axis != over)]
    places = {axis: _places(study.axes[axis]) for axis in axes}
    for trial in trials:
        if not _is_missing(trial["real"]):
            origin = (trial["data"], trial["reference_split"])
            groups[(1, ["train", "test"].index(trial["real"]), *origin)].append(trial)
        elif has_label(trial, over):
            groups[(0, *(_place(places[axis], trial, axis) for axis in axes))].append(trial)
    return tuple(_arm(study, axes, key, groups[key]) for key in sorted(groups))


def measures(shorts: Iterable[tuple[str, Column]], trials: Sequence[Row]) -> tuple[Measure, ...]:
    """The columns that the short names stand for: a score has one for each extractor and n."""
    evaluations = sorted({trial["evaluation"] for trial in trials})
    settings = sorted(
        {(trial["evaluation"], trial["extractor"], int(trial["num_images"])) for trial in trials}
    )
    found: list[Measure] = []
    for short, column in shorts:
        match column.role:
            case "score":
                found += [_score(short, column, *s, many=len(evaluations) > 1) for s in settings]
            case "evaluation":
                many = len(evaluations) > 1
                found += [
                    Measure(short, column, name, column.source, name if many else "")
                    for name in evaluations
                ]
            case "training" | "setting":
                found.append(Measure(short, column, None, column.source))
    return tuple(found)


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


def _score(
    short: str, column: Column, evaluation: str, extractor: str, n: int, *, many: bool
) -> Measure:
    detail = f"{evaluation}: {extractor}, n={n}" if many else f"{extractor}, n={n}"
    return Measure(short, column, evaluation, str(MetricName(column.source, extractor, n)), detail)


def _places(labels: Sequence[AxisValue]) -> dict[AxisValue, int]:
    return {key: place for place, key in enumerate(axis_keys(labels).values())}


def _place(places: Mapping[AxisValue, int], trial: Row, axis: str) -> int:
    return places[trial[AXIS + axis]] if has_label(trial, axis) else -1


def _arm(study: StudySpec, axes: Sequence[str], key: tuple[Any, ...], trials: list[Row]) -> Arm:
    ordered = sorted(trials, key=lambda t: (t["evaluation"], t["seed"], t["evaluation_id"]))
    first = ordered[0]
    if key[0] == 1:
        return Arm({}, first["real"], (first["data"], first["reference_split"]), ordered)
    labels = {
        axis: study.axes[axis][place]
        for axis, place in zip(axes, key[1:], strict=True)
        if place >= 0
    }
    return Arm(labels, None, (first["data"], first["reference_split"]), ordered)


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and isnan(value))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isnan(value)
