"""What a study still needs: its units, and which of them a store already holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal, assert_never

from rgm_bench.config.given_up import GivenUp
from rgm_bench.config.spec import (
    DdrmSpec,
    DiffusionSamplerSpec,
    FormulaSolverSpec,
    GenerateSpec,
    ImageFolderSpec,
    LatentDiversitySpec,
    MeasureSpec,
    OneShotSamplerSpec,
    PlugAndPlaySpec,
    PointsSpec,
    PythonPartSpec,
    RealSplitSource,
    RestorationSamplerSpec,
    RestoreSpec,
    SamplerSpec,
    SolverSpec,
    TrainingSpec,
)
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.data.folder import picture_folder
from rgm_bench.data.location import locate
from rgm_bench.errors import DamagedError
from rgm_bench.execution.base import Unit
from rgm_bench.results.mirror import RESULT
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import View, snapshot_path

State = Literal["done", "stale", "diverged", "given up", "missing", "unneeded"]
"""`stale` is done by other code than the present one; `given up` is what a search goes on without;
`unneeded` is a training that is not in the store while all that would measure it is.
"""


@dataclass(frozen=True)
class PlannedUnit:
    """A unit of a study with what the store says of it.

    `label` names it for people, as axis values and seed; `work` is its share of the whole, in
    training images or what takes as long.
    """

    unit: Unit
    state: State
    label: str
    work: float
    outcome: Outcome | None


@dataclass(frozen=True)
class Plan:
    """The units of a study, trainings before the evaluations that measure them."""

    units: tuple[PlannedUnit, ...]

    @cached_property
    def missing(self) -> tuple[PlannedUnit, ...]:
        """Those that have to run."""
        return tuple(planned for planned in self.units if planned.state == "missing")

    def count(self, kind: str, state: State | None = None) -> int:
        """How many units of a kind there are, in a state or in all."""
        return sum(
            planned.unit.kind == kind and state in (None, planned.state) for planned in self.units
        )

    @property
    def num_stale(self) -> int:
        """Units whose results other code has made."""
        return sum(planned.state == "stale" for planned in self.units)

    def estimated_seconds(
        self, slots: int, running: Mapping[str, float] = MappingProxyType({})
    ) -> float | None:
        """How long the missing units will take, from what the finished ones took.

        Args:
            slots: units that run at once.
            running: the share that is done of each unit that runs now, by its id.

        Returns:
            Seconds, or None when nothing comparable has finished.
        """
        seconds = work = 0.0
        for planned in self.units:
            outcome = planned.outcome
            # an imported training says nothing about how long anything takes here
            if outcome is not None and outcome.status == "ok" and "seconds" in outcome.cost:
                seconds += outcome.cost["seconds"]
                work += planned.work
        if not work:
            return None
        left = sum(p.work * (1 - running.get(p.unit.id, 0.0)) for p in self.missing)
        return left * seconds / work / slots


def make_plan(study: StudySpec, view: View) -> Plan:
    """Every unit of `study` once, and its state in the store that `view` looks at.

    An evaluation that has to run needs its training by the present code; one that is in the store
    does not ask what became of its training, which is made again only if it was damaged.
    """
    evaluations: dict[str, Trial] = {}
    for trial in study.trials:
        evaluations.setdefault(trial.id, trial)  # arms may share one: the first names it
    given_up = study.found.given_up
    planned = {
        unit_id: _plan_evaluation(trial, view, given_up) for unit_id, trial in evaluations.items()
    }
    wanted = {p.unit.needs for p in planned.values() if p.state == "missing"}
    measured: dict[str, list[Trial]] = {}
    for trial in evaluations.values():
        if trial.training_id is not None:
            measured.setdefault(trial.training_id, []).append(trial)
    trainings = [
        _plan_training(trials, view, given_up, wanted=training_id in wanted)
        for training_id, trials in measured.items()
    ]
    return Plan((*trainings, *planned.values()))


def _plan_evaluation(trial: Trial, view: View, given_up: GivenUp) -> PlannedUnit:
    outcome = view.outcome("evaluation", trial.id)
    if outcome is not None and _weights_are_gone(outcome, trial, view):
        folder = view.store.folder("evaluation", trial.id, outcome.digest)
        found = "the weights that it measured are none that its training has in the store"
        view.on_damage(DamagedError(folder / RESULT, found))
        outcome = None
    spec = trial.spec
    needs = None if isinstance(spec.source, RealSplitSource) else trial.training_id
    unit = Unit("evaluation", trial.id, trial.fields, needs)
    state = "given up" if given_up.lost(trial) else _state(outcome, view)
    return PlannedUnit(unit, state, trial_label(trial), _work(trial), outcome)


def _weights_are_gone(outcome: Outcome, trial: Trial, view: View) -> bool:
    """Whether a training came to other weights since an evaluation measured it."""
    if outcome.weights is None or trial.training is None or trial.at is None:
        return False
    training_id = trial.training_id
    assert training_id is not None
    training = view.outcome("training", training_id)
    name = snapshot_path(Path(), trial.training.images_at(trial.at)).name
    if training is None or training.files.get(name) in (None, outcome.weights):
        return False
    made = view.store.outcomes_of("training", training_id)
    return all(each.files.get(name) != outcome.weights for each in made)


def _plan_training(
    trials: Sequence[Trial], view: View, given_up: GivenUp, *, wanted: bool
) -> PlannedUnit:
    """The training that `trials` measure, as far as those need it that can have a result."""
    training, training_id = trials[0].training, trials[0].training_id
    assert training is not None
    assert training_id is not None
    needing = [trial for trial in trials if not given_up.lost(trial)] or trials
    images = training.images_at(max(trial.at for trial in needing if trial.at is not None))
    unit = Unit("training", training_id, trials[0].fields["source"]["training"], images=images)
    outcome = view.outcome("training", training_id)
    state = _state(outcome, view)
    if outcome is not None and not unit.is_done_by(outcome):
        state = "missing"
    if wanted and outcome is not None and view.is_stale(outcome):
        state = "missing"
    elif not wanted and state == "missing" and not view.is_lost("training", training_id):
        state = "given up" if training_id in given_up.units else "unneeded"
    return PlannedUnit(unit, state, _arm_label(trials[0]), images, outcome)


def _state(outcome: Outcome | None, view: View) -> State:
    if outcome is None:
        return "missing"
    if view.is_stale(outcome) and view.policy != "ignore":
        return "stale"
    return "diverged" if outcome.status == "diverged" else "done"


def _work(trial: Trial) -> float:
    """A generated image costs its evaluations of the network, a training step about six."""
    evaluations = 1
    if not isinstance(trial.spec.source, RealSplitSource):
        evaluations = network_evaluations(trial.spec.measure, trial.spec.source.training)
    return trial.spec.measure.count * evaluations / 6


def network_evaluations(measure: MeasureSpec, training: TrainingSpec) -> int:
    """Of the network for one sample, before anything is built."""
    match measure:
        case GenerateSpec() | PointsSpec():
            return _sampler_evaluations(measure.sampler, training)
        case RestoreSpec():
            return _solver_evaluations(measure.solver)
        case LatentDiversitySpec():
            return measure.num_latents
        case _:
            assert_never(measure)


def _sampler_evaluations(sampler: SamplerSpec | None, training: TrainingSpec) -> int:
    match sampler:
        case RestorationSamplerSpec() | PythonPartSpec():
            return training.num_levels
        case DiffusionSamplerSpec():
            return sampler.steps
        case OneShotSamplerSpec() | None:
            return 1
        case _:
            assert_never(sampler)


def _solver_evaluations(solver: SolverSpec) -> int:
    match solver:
        case PlugAndPlaySpec():
            return solver.iterations * solver.num_levels
        case DdrmSpec():
            return solver.steps
        case FormulaSolverSpec():
            return 1
        case _:
            assert_never(solver)


def _arm_label(trial: Trial) -> str:
    return ", ".join(_arm(trial))


def trial_label(trial: Trial) -> str:
    """A trial in words: its axis values, its seed and what is measured."""
    if trial.real is not None:
        return f"real {trial.real} data, seed {trial.seed}"
    share = "" if trial.at is None else f" at {trial.at:g}"
    return ", ".join([*_arm(trial), f"{trial.evaluation}{share}"])


def _arm(trial: Trial) -> Iterator[str]:
    for axis, value in trial.labels.items():
        yield f"{axis} {value:g}" if isinstance(value, float) else f"{axis} {value}"
    yield f"seed {trial.seed}"


def notes_on_data(study: StudySpec) -> Iterator[str]:
    """What is left out of each folder of pictures of a study."""
    for spec in dict.fromkeys(trial.spec.data for trial in study.trials):
        if isinstance(spec, ImageFolderSpec):
            found = picture_folder(locate(spec.kind, name=spec.name, split=spec.split))
            if found.note:
                yield found.note
