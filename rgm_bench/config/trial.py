"""A trial: one evaluation of one arm at one seed, with the labels that tables show."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec

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
        """The spec as plain JSON values."""
        return self.spec.model_dump(mode="json")

    @cached_property
    def id(self) -> str:
        """The id of its evaluation."""
        return _id_of(self.fields)

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
        return _id_of(self.fields["source"]["training"]) if self.training else None


def _id_of(fields: Mapping[str, Any]) -> str:
    """`spec_id` of the spec that has these fields, without writing them out once more."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
