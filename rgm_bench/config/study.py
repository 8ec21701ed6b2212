"""A study after loading: its axes expanded into trials, each a frozen spec with its labels."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from rgm_bench.config.claim import ClaimSpec
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import (
    Count,
    EvaluationSpec,
    Slug,
    Spec,
    TrainingSource,
)

AxisValue = str | int | float | bool


class Resources(Spec):
    """What one training takes; an evaluation takes the same. Never part of an id."""

    cpus: float = Field(default=1, gt=0)
    gpus: float = Field(default=0, ge=0)


class Tuned(Spec):
    """The study whose best trial gave each method its settings, and how many trials each had.

    It is for readers of a table, and never part of an id.
    """

    study: Slug
    trials: Count


class TableItem(Spec):
    """A table with a row for each value of an axis and mean, interval and n in each cell."""

    kind: Literal["table"]
    rows: str
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    evaluation: str | None = None


class CurveItem(Spec):
    """A metric over an axis of numbers, with intervals over seeds.

    `series` is the axis that makes the lines; without it every combination of the other axes does.
    """

    kind: Literal["curve"]
    x: str
    y: str
    scale: Literal["linear", "log", "symlog"] = "linear"
    second_axis: Literal["paper_lambda"] | None = None
    series: str | None = None
    evaluation: str | None = None


class SamplesItem(Spec):
    """Generated images along an axis, the first `images` of each arm."""

    kind: Literal["samples"]
    over: str
    images: Count = 16
    evaluation: str | None = None


class ScatterItem(Spec):
    """What a score costs: one point an arm, named by its value on the axis `label`.

    `published` is a data set whose published points get a panel of their own beside ours.
    """

    kind: Literal["scatter"]
    x: Literal["nfe", "seconds_per_image", "evaluation_flops", "flops"]
    y: str
    label: str
    evaluation: str | None = None
    paper: Slug = "choi2023"
    published: Slug | None = None


class DensitiesItem(Spec):
    """Densities of generated 2D points along an axis, after that of the real ones."""

    kind: Literal["densities"]
    over: str
    evaluation: str


class RestorationsItem(Spec):
    """Original, degraded and restored images side by side, a column an arm."""

    kind: Literal["restorations"]
    evaluation: str
    images: Annotated[int, Field(ge=1, le=64)] = 6


class PublishedItem(Spec):
    """Our numbers beside published ones, in two groups of columns that share no column.

    `rows` maps labels of the axis `over` (by default the first that has all of them) to published
    models; other arms have no published number beside them. `alone` names the models that are shown
    without an arm of ours; None shows all others.
    """

    kind: Literal["published"]
    paper: Slug = "choi2023"
    dataset: Slug | None = None
    table: Slug | None = None
    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    rows: dict[str, str] = Field(default_factory=dict[str, str])
    over: str | None = None
    alone: tuple[str, ...] | None = None
    evaluation: str | None = None


ReportItem = Annotated[
    TableItem
    | CurveItem
    | SamplesItem
    | ScatterItem
    | DensitiesItem
    | RestorationsItem
    | PublishedItem,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class Trial:
    """One evaluation of one arm at one seed: one row of every table.

    `labels` maps each axis to the value this trial has on it, as tables show it. A row of real
    images has `real` set to the split it was drawn from, and no labels.
    """

    labels: Mapping[str, AxisValue]
    seed: int
    evaluation: str
    spec: EvaluationSpec
    real: Literal["train", "test"] | None = None

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The spec as plain JSON values."""
        return self.spec.model_dump(mode="json")

    @cached_property
    def id(self) -> str:
        """The id of its evaluation."""
        return _id_of(self.fields)

    @cached_property
    def training_id(self) -> str | None:
        """The id of the training it measures, or None for real images."""
        is_trained = isinstance(self.spec.source, TrainingSource)
        return _id_of(self.fields["source"]["training"]) if is_trained else None


def _id_of(fields: Mapping[str, Any]) -> str:
    """`spec_id` of the spec that has these fields, without writing them out once more."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class StudySpec:
    """One profile of one study file, resolved: nothing in it is left to look up.

    `resolved` is the whole of it as plain JSON values, without the other profiles; `axes` maps an
    axis to its labels, in the order of the file.
    """

    name: str
    title: str
    profile: str
    reproduces: Mapping[str, Any]
    axes: Mapping[str, tuple[AxisValue, ...]]
    seeds: tuple[int, ...]
    resources: Resources
    claims: Mapping[str, ClaimSpec]
    report: tuple[ReportItem, ...]
    trials: tuple[Trial, ...]
    resolved: Mapping[str, Any]
    parts: Parts = NO_PARTS
    tuned: Tuned | None = None

    def with_parts(self, parts: Parts) -> Self:
        """The same study with classes of the user's own."""
        return replace(self, parts=parts)

    @cached_property
    def digest(self) -> str:
        """8 hexadecimal digits for all of the resolved study, whatever the order of its keys."""
        text = json.dumps(self.resolved, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]
