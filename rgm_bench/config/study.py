"""A study after loading: its axes expanded into trials, each a frozen spec with its labels."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from rgm_bench.config.claim import ClaimSpec
from rgm_bench.config.gate import GateSpec
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.search import NOTHING_FOUND, Found, Search
from rgm_bench.config.spec import Count, Slug, Spec
from rgm_bench.config.trial import AxisValue, Trial


class Resources(Spec):
    """What one process takes, and how many share a training. Never part of an id.

    An evaluation takes one process.
    """

    cpus: float = Field(default=1, gt=0)
    gpus: float = Field(default=0, ge=0)
    processes: Count = 1

    @model_validator(mode="after")
    def _processes_have_whole_gpus(self) -> Self:
        if self.gpus > 1:
            raise ValueError(
                f"gpus {self.gpus:g} is more than a process uses: use 1, and processes for the "
                "number of GPUs of a training"
            )
        if self.processes > 1 and 0 < self.gpus < 1:
            raise ValueError(
                f"gpus {self.gpus:g} is less than each of {self.processes} processes needs: "
                "use 1, or processes 1"
            )
        return self


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


class SearchItem(Spec):
    """A search: its best trials, its history, what mattered, and each parameter by itself."""

    kind: Literal["search"]
    top: Count = 10


ReportItem = Annotated[
    TableItem
    | CurveItem
    | SamplesItem
    | ScatterItem
    | DensitiesItem
    | RestorationsItem
    | PublishedItem
    | SearchItem,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class StudySpec:
    """One profile of one study file, resolved: its trials leave nothing to look up.

    `resolved` is the whole of it as plain JSON values, without the other profiles; `axes` maps an
    axis to its labels, in the order of the file. Of a `search` there are no trials yet: what has
    been found decides where it looks next.
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
    gate: GateSpec | None = None
    search: Search | None = None
    found: Found = NOTHING_FOUND

    def with_parts(self, parts: Parts) -> Self:
        """The same study with classes of the user's own."""
        return replace(self, parts=parts)

    @cached_property
    def digest(self) -> str:
        """8 hexadecimal digits for all of the resolved study, whatever the order of its keys."""
        text = json.dumps(self.resolved, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]
