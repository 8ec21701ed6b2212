"""Rows of real data: what a generator that has learnt a split by heart would score.

FID falls with the number of images and is never 0 for a finite one, so each table has these rows
at the same number of images, against the same reference, at the same seeds.
"""

from collections.abc import Iterator, Sequence
from typing import assert_never

from rgm_bench.config.spec import (
    EvaluationSpec,
    GenerateSpec,
    ImageFolderSpec,
    LatentDiversitySpec,
    PointsSpec,
    RealSplitSource,
    RestoreSpec,
    Split,
    TrainingSource,
    other_split,
)
from rgm_bench.config.study import Trial


def real_rows(trials: Sequence[Trial]) -> Iterator[Trial]:
    """A row of real data for each split, evaluation and seed of `trials`, each once."""
    known: set[tuple[object, ...]] = set()
    seen: set[EvaluationSpec] = set()  # equal ones have one id, which takes longer to find
    for trial in trials:
        if not isinstance(trial.spec.source, TrainingSource):
            continue
        for split in _splits(trial.spec):
            if (asked := (split, trial.seed, trial.spec.data, trial.spec.measure)) in known:
                continue  # by another arm, whose row it shares
            known.add(asked)
            row = _row(trial, split)
            if row.spec not in seen:
                seen.add(row.spec)
                yield row


def _splits(spec: EvaluationSpec) -> tuple[Split, ...]:
    match spec.measure:
        case GenerateSpec():
            # a folder of pictures need not have another split, and its fingerprint is of one
            folder = isinstance(spec.data, ImageFolderSpec)
            return (spec.data.split,) if folder else ("train", "test")
        case PointsSpec():
            return ("train",)  # test points are what all are compared with
        case RestoreSpec() | LatentDiversitySpec():
            return ()
        case _:
            assert_never(spec.measure)


def _row(trial: Trial, split: Split) -> Trial:
    measure = trial.spec.measure.model_copy(update={"sampler": None})
    spec = EvaluationSpec(
        source=RealSplitSource(kind="real_split", data=other_split(trial.spec.data, split)),
        measure=measure,
        seed=trial.seed,
    )
    return Trial(labels={}, seed=trial.seed, evaluation=trial.evaluation, spec=spec, real=split)
