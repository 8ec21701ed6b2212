"""A study measured for its gate, from the results that the present code has made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from typing import final

from rgm_bench.claims.kinds import Direction
from rgm_bench.config.gate import SPEEDS, GateSpec
from rgm_bench.config.gate_names import gated_metrics, unknown_metric
from rgm_bench.config.spec import GenerateSpec, PointsSpec
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.errors import StudyError
from rgm_bench.evaluation.base import trained_images
from rgm_bench.execution.device import take_device
from rgm_bench.gate.baseline import Measurement, Number, without_seeds
from rgm_bench.gate.device import DeviceKind, kind_of, this_kind
from rgm_bench.gate.fingerprint import fingerprints
from rgm_bench.gate.naming import arm_of
from rgm_bench.gate.revision import revision
from rgm_bench.gate.rule import MIN_SEEDS, usual_margin
from rgm_bench.metrics.names import MetricName
from rgm_bench.report.columns import HEADLINES, column
from rgm_bench.results.provenance import provenance
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import View, snapshot_path

SHARE_IN_PAIRS = 0.1
"""The margin in pairs as a share of the usual one, which says what trainings vary by.

Pairs do not vary where nothing changed. This is left for other orders of summation and the like.
"""

_SPEED_DIRECTIONS: Mapping[str, Direction] = {"seconds": "lower", "images_per_second": "higher"}


@final
@dataclass(frozen=True)
class _Arm:
    """What one number is of: the trials of an evaluation of an arm, one for each seed."""

    name: str
    evaluation: str
    trials: tuple[Trial, ...]


def gate_of(
    study: StudySpec, *, metrics: Sequence[str] = (), margin: float | None = None
) -> GateSpec:
    """What is gated of a study: as its file says, or its headline score.

    Args:
        study: the study.
        metrics: of the command line, in place of the study's.
        margin: of the command line, in place of the study's.

    Raises:
        StudyError: it has a search, several evaluations to choose from, or no such metric.
    """
    if study.search is not None:
        raise StudyError(
            f"{study.name}/{study.profile}: a search has no fixed arms to gate; "
            "gate a study that holds what it has found"
        )
    kinds = {
        trial.evaluation: trial.spec.measure.kind for trial in study.trials if trial.real is None
    }
    evaluation = study.gate.evaluation if study.gate else None
    if evaluation is None:
        if len(kinds) > 1:
            raise StudyError(
                f"{study.name}/{study.profile}: there are several evaluations, {', '.join(kinds)}; "
                "say which one under gate in the study: gate: {metrics: [...], evaluation: NAME}"
            )
        evaluation = next(iter(kinds))
    known = gated_metrics(kinds[evaluation])
    headline = tuple(name for name in HEADLINES if name in known)[:1]
    asked = tuple(metrics) or (study.gate.metrics if study.gate else headline)
    for metric in asked:
        if metric not in known:
            raise StudyError(f"--metric: {unknown_metric(metric, known)}")
    kept = study.gate.margin if study.gate else None
    return GateSpec(metrics=asked, evaluation=evaluation, margin=kept if margin is None else margin)


def require_seeds(study: StudySpec) -> None:
    """Raise StudyError unless the study has enough seeds for a gate."""
    if len(study.seeds) < MIN_SEEDS:
        raise StudyError(
            f"{study.name}/{study.profile}: found {len(study.seeds)} seeds; a gate needs "
            f"{MIN_SEEDS} or more, such as --set seeds='[0, 1, 2, 3, 4]'"
        )


def gated_trials(study: StudySpec, gate: GateSpec) -> tuple[Trial, ...]:
    """The trials whose numbers are gated: at the last share of their trainings' images."""
    trials = [t for t in study.trials if t.real is None and t.evaluation == gate.evaluation]
    last = max((trial.at or 1.0 for trial in trials), default=1.0)
    return tuple(trial for trial in trials if (trial.at or 1.0) == last)


def measured(study: StudySpec, gate: GateSpec, view: View, look: Measurement) -> Measurement:
    """All numbers of a gate, from a store that holds the study, and speeds measured here.

    Seeds whose units have failed are left out.

    Args:
        study: the study.
        gate: what is gated of it.
        view: the store.
        look: the first look of the same code, whose fingerprints stay.

    Raises:
        StudyError: seeds ran on different kinds of device.
    """
    trials = gated_trials(study, gate)
    arms = tuple(_arms(study, gate, trials))
    outcomes = {trial.id: view.outcome("evaluation", trial.id) for trial in trials}
    numbers: list[Number] = []
    for arm in arms:
        weights, images = dict(_weights(arm, view)), dict(_images(arm, view))
        for metric in gate.metrics:
            number = _number(arm, metric, gate, study, outcomes, weights)
            is_score = metric not in SPEEDS
            numbers.append(number.model_copy(update={"images": images}) if is_score else number)
    found = [outcome for outcome in outcomes.values() if outcome is not None]
    device = _one_device(found) or look.device
    return look.model_copy(update={"numbers": tuple(numbers), "device": device})


def first_look(study: StudySpec, gate: GateSpec, view: View) -> Measurement:
    """A measurement without numbers: what the first steps of the trainings give, in seconds."""
    gpus = study.resources.gpus
    take_device(gpus)  # as a unit computes: in one thread
    device = this_kind("cuda" if gpus else "cpu")
    return Measurement(
        gate=f"{study.name}-{study.profile}",
        commit=revision(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        device=device,
        versions=provenance(device.device)["versions"],
        code={str(kind): digest for kind, digest in view.digests.items()},
        numbers=(),
        fingerprints=fingerprints(study, gated_trials(study, gate)),
    )


def _arms(study: StudySpec, gate: GateSpec, trials: Sequence[Trial]) -> Iterator[_Arm]:
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(arm_of(trial), []).append(trial)
    for name, found in groups.items():
        yield _Arm(name, gate.evaluation or "", tuple(found))


def _number(
    arm: _Arm,
    metric: str,
    gate: GateSpec,
    study: StudySpec,
    outcomes: Mapping[str, Outcome | None],
    weights: dict[str, str],
) -> Number:
    fresh = metric in SPEEDS
    number = _speed(arm, metric, study) if fresh else _score(arm, metric, outcomes, weights)
    if gate.margin is None:
        usual = usual_margin(number.values, number.scale)
        margins = {"margin": usual, "margin_in_pairs": SHARE_IN_PAIRS * usual}
    else:
        margins = {"margin": gate.margin, "margin_in_pairs": gate.margin}
    return number.model_copy(update=margins)


def _score(
    arm: _Arm, metric: str, outcomes: Mapping[str, Outcome | None], weights: dict[str, str]
) -> Number:
    about = column(metric)
    assert about.better is not None
    measure = arm.trials[0].spec.measure
    name = str(MetricName(metric, measure.space, measure.count))
    values: dict[str, float | None] = {}
    for trial in arm.trials:
        outcome = outcomes[trial.id]
        if outcome is not None:
            value = outcome.metrics.get(name) if outcome.status == "ok" else None
            values[str(trial.seed)] = value if value is not None and isfinite(value) else None
    return Number(
        arm=arm.name,
        evaluation=arm.evaluation,
        metric=name,
        scale=about.scale,
        better=about.better,
        margin=0.0,
        margin_in_pairs=0.0,
        spec=without_seeds(arm.trials[0].fields),
        ids={str(trial.seed): trial.id for trial in arm.trials},
        weights=weights,
        values=values,
    )


def _weights(arm: _Arm, view: View) -> Iterator[tuple[str, str]]:
    """Digests of the weights that were measured, of each seed that has them."""
    for trial in arm.trials:
        training = trial.training_id
        outcome = None if training is None else view.outcome("training", training)
        if outcome is None:
            continue
        folder = view.store.folder("training", outcome.id, outcome.digest)
        path = view.store.fetched(snapshot_path(folder, trained_images(trial.spec)))
        if path.exists():
            yield str(trial.seed), sha256(path.read_bytes()).hexdigest()[:16]


def _images(arm: _Arm, view: View) -> Iterator[tuple[str, str]]:
    """Digests of the points or the first images that each seed's training has generated.

    What has no training, such as a formula that restores, may be the same for all seeds.
    """
    for trial in arm.trials:
        outcome = view.outcome("evaluation", trial.id)
        if trial.training_id is None or outcome is None or outcome.status != "ok":
            continue
        path = view.points(trial.id) or view.grid(trial.id)
        if path is not None:
            yield str(trial.seed), sha256(path.read_bytes()).hexdigest()[:16]


def _speed(arm: _Arm, metric: str, study: StudySpec) -> Number:
    from rgm_bench.gate.speed import sampling_rates, training_times

    first = arm.trials[0]
    training, measure = first.training, first.spec.measure
    if training is None:
        raise StudyError(f"{metric}: the arm {arm.name} has no training whose speed there is")
    repeats, gpus, parts = max(MIN_SEEDS, len(study.seeds)), study.resources.gpus, study.parts
    if metric == "seconds":
        values = training_times(training, repeats, gpus=gpus, parts=parts)
    else:
        assert isinstance(measure, GenerateSpec | PointsSpec)
        assert measure.sampler is not None
        values = sampling_rates(measure.sampler, training, repeats, gpus=gpus, parts=parts)
    return Number(
        arm=arm.name,
        evaluation=arm.evaluation,
        metric=metric,
        scale="log",
        better=_SPEED_DIRECTIONS[metric],
        margin=0.0,
        margin_in_pairs=0.0,
        spec=without_seeds(first.fields),
        ids={},
        weights={},
        values={str(repeat): value for repeat, value in enumerate(values)},
    )


def _one_device(outcomes: Sequence[Outcome]) -> DeviceKind | None:
    """The kind of device that all results are from; None where there are none."""
    kinds = list(dict.fromkeys(kind_of(outcome.provenance) for outcome in outcomes))
    if len(kinds) > 1:
        differing = "; ".join(kinds[0].differences(kinds[1]))
        raise StudyError(
            f"the seeds of this gate ran on {len(kinds)} kinds of device ({differing}), whose "
            "numbers differ by themselves; let one kind run all of them, in another --store"
        )
    return kinds[0] if kinds else None
