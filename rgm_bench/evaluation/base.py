"""What every kind of evaluation is given, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import EvaluationSpec, Split, TrainingSource
from rgm_bench.errors import DataError, DivergedError
from rgm_bench.metrics.scores import Scores
from rgm_bench.types import Sample

Report = Callable[[int, int], None]
"""Told how many samples of how many are done."""


@dataclass(frozen=True)
class Place:
    """Where an evaluation runs and what surrounds it.

    Args:
        weights: the snapshot of a training; None for real data.
        references: the folder where features of reference images are kept.
        folder: the folder of this evaluation, for what it leaves beside its numbers.
        digest: of the code.
        device: where it runs.
        report: told how far it is.
        parts: classes of the user's own.
        weights_sha256: of the snapshot, as it was proven.
        set_aside: moves damaged features of reference images out of the way; None has them written
            over.
    """

    weights: Path | None
    references: Path
    folder: Path
    digest: str
    device: torch.device
    report: Report
    parts: Parts = NO_PARTS
    weights_sha256: str | None = None
    set_aside: Callable[[Path], object] | None = None


@dataclass(frozen=True)
class Measured:
    """Scores by their short names, and evaluations of the network for one sample.

    `network_evaluations` is 0 for what needs no network.
    """

    scores: Scores
    network_evaluations: int


def trained_images(spec: EvaluationSpec) -> int:
    """Images that the measured model has been trained on; 0 for real data."""
    source = spec.source
    return source.training.images_at(source.at) if isinstance(source, TrainingSource) else 0


def require_finite(samples: Sample, spec: EvaluationSpec) -> None:
    """Raise DivergedError unless all samples are numbers."""
    if not bool(torch.isfinite(samples).all()):
        raise DivergedError("a sample", trained_images(spec))


def first_of(data: torch.Tensor, num: int, split: Split) -> torch.Tensor:
    """The first `num` samples of a split.

    Raises:
        DataError: there are not so many, which only a folder of pictures can hide until now.
    """
    if len(data) < num:
        raise DataError(f"{num} {split} images were asked for, and there are {len(data)}")
    return data[:num]
