"""What a tracker shows of a study: one child for each arm, seed and named evaluation.

A child holds the scores of one training at every share of its images, so that a tracking tool can
draw them as a curve beside the losses. Nothing here knows which tool that is.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, cast

from rgm_bench.config.spec import RgmSpec, TrainingSource, TrainingSpec
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.results.store import View

COST_OF: Mapping[UnitKind, str] = {
    "training": "system/training_",
    "evaluation": "system/",
}
"""What goes before the name of a cost; MLflow shows `system/` apart from scores and losses."""


@dataclass(frozen=True)
class Point:
    """A value of a metric after `images` images of training."""

    metric: str
    value: float
    images: int


@dataclass(frozen=True)
class Part:
    """What one finished unit of work adds to a child.

    `unit` is `training/<id>/<digest>` or `evaluation/<id>/<digest>`, its folder in the store.
    """

    unit: str
    seconds: float
    points: tuple[Point, ...]
    grid: Path | None
    images: int


@dataclass(frozen=True)
class Child:
    """One arm at one seed under one evaluation, as far as it is finished.

    `key` stays the same while parts arrive, and when other code computes them anew. `points` are
    what is known before any training: where the child stands on each axis of numbers. `gaps` says
    why scores are missing.
    """

    key: str
    name: str
    params: Mapping[str, str]
    points: tuple[Point, ...]
    parts: tuple[Part, ...]
    diverged: str | None
    gaps: Mapping[str, str]

    @property
    def units(self) -> frozenset[str]:
        """The units its parts come from."""
        return frozenset(part.unit for part in self.parts)


def children_of(study: StudySpec, view: View) -> Iterator[Child]:
    """The children of `study` that have a finished unit, in the order of its trials."""
    groups: dict[str, list[Trial]] = {}
    for trial in study.trials:
        groups.setdefault(_key(trial), []).append(trial)
    for key, trials in groups.items():
        finished = tuple(_finished(trials, view))
        if finished:
            yield _child(key, trials[0], finished, view)


def _key(trial: Trial) -> str:
    place = [dict(trial.labels), trial.real, trial.seed, trial.evaluation, _arm_spec(trial)]
    return _short_hash(place)


def _finished(trials: Sequence[Trial], view: View) -> Iterator[tuple[Trial, Outcome]]:
    """The outcomes the store has: of the training once, then of each evaluation."""
    training_id = trials[0].training_id
    training = view.outcome("training", training_id) if training_id else None
    if training is not None:
        yield trials[0], training
    for trial in trials:
        if (evaluation := view.outcome("evaluation", trial.id)) is not None:
            yield trial, evaluation


def _child(key: str, trial: Trial, finished: Sequence[tuple[Trial, Outcome]], view: View) -> Child:
    spec, arm = _arm_spec(trial), _arm(trial)
    names = {"arm": arm, "arm_id": _short_hash(spec), "seed": str(trial.seed)}
    reasons = [outcome.reason or "diverged" for _, outcome in finished if outcome.status != "ok"]
    return Child(
        key=key,
        name=f"{arm}, seed {trial.seed}, {trial.evaluation}",
        params=names | {"evaluation": trial.evaluation} | dict(_flat(spec)),
        points=tuple(_axis_points(trial)),
        parts=tuple(_part(one, outcome, view) for one, outcome in finished),
        diverged=reasons[0] if reasons else None,
        gaps={name: why for _, outcome in finished for name, why in outcome.gaps.items()},
    )


def _part(trial: Trial, outcome: Outcome, view: View) -> Part:
    images = _images(trial, outcome)
    cost = {f"{COST_OF[outcome.kind]}{name}": value for name, value in outcome.cost.items()}
    at_the_end = [Point(name, value, images) for name, value in {**outcome.metrics, **cost}.items()]
    of_training = outcome.kind == "training"
    curve = view.curve(outcome.id) if of_training else None
    points = (*at_the_end, *_curve_points(curve or {}))
    return Part(
        unit=f"{outcome.kind}/{outcome.id}/{outcome.digest}",
        seconds=outcome.cost.get("seconds", 0.0),
        points=tuple(point for point in points if isfinite(point.value)),
        grid=None if of_training else view.grid(outcome.id),
        images=images,
    )


def _images(trial: Trial, outcome: Outcome) -> int:
    """Images seen by the snapshot that was measured, by the training itself, or 0 if none was."""
    match trial.spec.source:
        case TrainingSource() as source if outcome.kind == "evaluation":
            return source.training.images_at(source.at)
        case _:
            return outcome.images


def _curve_points(curve: Mapping[str, Sequence[float | None]]) -> Iterator[Point]:
    images = [int(seen or 0) for seen in curve.get("images", ())]
    for name, values in curve.items():
        if name != "images":
            yield from (
                Point(name, value, seen)
                for seen, value in zip(images, values, strict=True)
                if value is not None
            )


def _axis_points(trial: Trial) -> Iterator[Point]:
    """The values of its axes that are numbers, and the two names of the fidelity weight."""
    numbers = {name: value for name, value in trial.labels.items() if _is_number(value)}
    match trial.spec.source:
        case TrainingSource(training=TrainingSpec(method=RgmSpec(fidelity_weight=weight))):
            lambdas = {"paper_lambda": 1 / weight} if weight else {}
            numbers |= {"fidelity_weight": weight} | lambdas
        case _:
            pass
    yield from (Point(name, float(value), 0) for name, value in numbers.items())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _arm(trial: Trial) -> str:
    if trial.real:
        return f"real {trial.real}"
    return ", ".join(f"{axis}={value}" for axis, value in trial.labels.items()) or "base"


def _arm_spec(trial: Trial) -> dict[str, Any]:
    """Its spec without what differs inside an arm: the seeds and the share of the images."""
    evaluation = dict(trial.fields["measure"])
    source = {name: value for name, value in trial.fields["source"].items() if name != "at"}
    training = {name: v for name, v in source.pop("training", {}).items() if name != "seed"}
    return {"training": training, "evaluation": evaluation | {"source": source}}


def _flat(spec: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each leaf of a spec by its path with dots: text as it is, all else as JSON."""
    for name, value in spec.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)


def _short_hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
