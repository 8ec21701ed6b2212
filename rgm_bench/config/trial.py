"""A trial: one evaluation of one arm at one seed, with the labels that tables show."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from rgm_bench.config.spec import (
    EvaluationSpec,
    TrainingSource,
    TrainingSpec,
    canonical_fields,
    id_of,
)

AxisValue = str | int | float | bool


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
        """The canonical fields of its spec."""
        return canonical_fields(self.spec)

    @cached_property
    def id(self) -> str:
        """The id of its evaluation."""
        return id_of(self.fields)

    @property
    def training(self) -> TrainingSpec | None:
        """The training it measures, or None for real images."""
        source = self.spec.source
        return source.training if isinstance(source, TrainingSource) else None

    @property
    def at(self) -> float | None:
        """The share of its training's images that it measures, or None for real images."""
        source = self.spec.source
        return source.at if isinstance(source, TrainingSource) else None

    @cached_property
    def training_id(self) -> str | None:
        """The id of the training it measures, or None for real images."""
        return id_of(self.fields["source"]["training"]) if self.training else None
