"""Arms and seeds -> trials."""

from collections.abc import Iterator

from rgm_bench.config.arms import Arms, Choice
from rgm_bench.config.evaluations import Evaluation, measure_of
from rgm_bench.config.problems import Problems
from rgm_bench.config.spec import (
    EvaluationSpec,
    FormulaSolverSpec,
    RealSplitSource,
    RestoreSpec,
    TrainingSource,
    TrainingSpec,
    other_split,
)
from rgm_bench.config.trial import Trial


def trials_of(
    arms: Arms,
    seeds: tuple[int, ...],
    problems: Problems,
    *,
    evaluations: tuple[str, ...] | None = None,
) -> Iterator[Trial]:
    """Every trial of the arms, evaluation by evaluation; none after an arm with a mistake.

    Args:
        arms: what is trained and measured.
        seeds: of each.
        problems: takes the mistakes.
        evaluations: only these; None takes all.
    """
    for name in arms.evaluation_names if evaluations is None else evaluations:
        for choice in arms.choices(name):
            yield from _trials_of_arm(arms, name, choice, seeds)
            if problems:
                return  # of ten thousand arms that share a mistake, one is enough


def _trials_of_arm(
    arms: Arms, name: str, choice: Choice, seeds: tuple[int, ...]
) -> Iterator[Trial]:
    labels, first = arms.labels(name, choice), arms.measured(name, choice, seeds[0])
    for share in _shares(first[1]) if first else ():
        for seed in seeds:
            measured = arms.measured(name, choice, seed)
            if measured is None:
                return
            training, evaluation = measured
            spec = EvaluationSpec(
                source=_source(training, evaluation, share),
                measure=measure_of(evaluation),
                seed=seed,
            )
            yield Trial(labels=labels, seed=seed, evaluation=name, spec=spec)


def _shares(evaluation: Evaluation) -> tuple[float, ...]:
    return (1.0,) if _needs_no_network(evaluation) else evaluation.at_images


def _source(
    training: TrainingSpec, evaluation: Evaluation, share: float
) -> TrainingSource | RealSplitSource:
    if _needs_no_network(evaluation):
        assert isinstance(evaluation, RestoreSpec)
        data = other_split(training.data, evaluation.split)
        return RealSplitSource(kind="real_split", data=data)
    return TrainingSource(kind="training", training=training, at=share)


def _needs_no_network(evaluation: Evaluation) -> bool:
    return isinstance(evaluation, RestoreSpec) and isinstance(evaluation.solver, FormulaSolverSpec)
