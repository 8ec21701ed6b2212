"""Rows of real images: what a generator that has learnt a split by heart would score.

FID falls with the number of images and is never 0 for a finite one, so each table has these rows
at the same number of images, against the same reference, at the same seeds.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from rgm_bench.config.spec import (
    DataSpec,
    EvaluationSpec,
    ImageFolderSpec,
    RealSplitSource,
    TrainingSource,
)
from rgm_bench.config.study import Trial

Split = Literal["train", "test"]


def real_rows(trials: Sequence[Trial]) -> Iterator[Trial]:
    """A row of real images for each split, evaluation and seed of `trials`, each once."""
    seen: set[str] = set()
    for trial in trials:
        source = trial.spec.source
        if not isinstance(source, TrainingSource):
            continue
        for split in _splits(source.training.data):
            row = _row(trial, source.training.data, split)
            if row.id not in seen:
                seen.add(row.id)
                yield row


def _splits(data: DataSpec) -> tuple[Split, ...]:
    # a folder of pictures need not have another split, and its fingerprint is of one of them
    return (data.split,) if isinstance(data, ImageFolderSpec) else ("train", "test")


def _row(trial: Trial, data: DataSpec, split: Split) -> Trial:
    real = data.model_copy(update={"split": split, "horizontal_flip": False})
    spec = EvaluationSpec(
        kind=trial.spec.kind,
        source=RealSplitSource(kind="real_split", data=real),
        sampler=None,
        num_images=trial.spec.num_images,
        reference=trial.spec.reference,
        seed=trial.seed,
    )
    return Trial(labels={}, seed=trial.seed, evaluation=trial.evaluation, spec=spec, real=split)
