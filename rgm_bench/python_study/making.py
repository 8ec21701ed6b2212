"""Every part of a study made once where it will be used, so that a wrong one stops the study."""

from collections.abc import Iterator

from rgm_bench.config.parts import Parts
from rgm_bench.config.spec import (
    PYTHON,
    EvaluationSpec,
    GenerateSpec,
    LinearForwardSpec,
    PointsSpec,
    PythonPartSpec,
    RestoreSpec,
    RgmSpec,
    TrainingSource,
    TrainingSpec,
    canonical_json,
)
from rgm_bench.config.study import StudySpec


def make_all_parts(study: StudySpec) -> None:
    """Make the classes of the user's own that a study holds.

    Raises:
        StudyError: one stands where parts of another kind belong, or cannot be used there.
    """
    for training in _trainings(study):
        _make_parts_of_training(training, study.parts, study.resources.processes)
    for evaluation in _evaluations(study):
        _make_parts_of_evaluation(evaluation, study.parts)


def _trainings(study: StudySpec) -> Iterator[TrainingSpec]:
    """One for each way in which trainings use parts."""
    seen: set[str] = set()
    for trial in study.trials:
        if isinstance(trial.spec.source, TrainingSource):
            training = trial.spec.source.training
            use = canonical_json(training.method) + canonical_json(training.numerics)
            if use not in seen:
                seen.add(use)
                yield training


def _evaluations(study: StudySpec) -> Iterator[EvaluationSpec]:
    """One for each way of measuring with parts."""
    seen: set[str] = set()
    for trial in study.trials:
        use = canonical_json(trial.spec.measure)
        if f'"kind":"{PYTHON}"' in use and use not in seen:
            seen.add(use)
            yield trial.spec


def _make_parts_of_training(training: TrainingSpec, parts: Parts, processes: int) -> None:
    import torch

    from rgm_bench.build.degradation import build_forward
    from rgm_bench.build.prior import build_prior
    from rgm_bench.ranks import Ranks

    cpu = torch.device("cpu")
    method = training.method
    if isinstance(method.forward, PythonPartSpec | LinearForwardSpec):
        build_forward(method.forward, training.data, cpu, parts)
    if isinstance(method, RgmSpec) and isinstance(method.prior, PythonPartSpec):
        build_prior(training, None, cpu, parts, Ranks(num=processes))


def _make_parts_of_evaluation(spec: EvaluationSpec, parts: Parts) -> None:
    import torch
    from torch import Tensor

    from rgm_bench.build.degradation import build_operator
    from rgm_bench.build.sampling import build_sampler

    def network(y: Tensor, *condition: Tensor) -> Tensor:
        return y

    measure, source, cpu = spec.measure, spec.source, torch.device("cpu")
    if isinstance(measure, RestoreSpec):
        build_operator(measure.problem.operator, spec.data, parts)
    if isinstance(measure, GenerateSpec | PointsSpec) and isinstance(source, TrainingSource):
        assert measure.sampler is not None  # real data have no sampler, and no parts
        build_sampler(measure.sampler, source.training, network, cpu, parts)
