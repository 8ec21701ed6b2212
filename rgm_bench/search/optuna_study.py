"""Optuna behind the few things that a search asks of it; nothing else imports optuna."""

from collections.abc import Sequence
from typing import Literal, assert_never, cast, final

import numpy as np
import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from rgm_bench.config.search import (
    Dimension,
    GridSearchSpec,
    Nsga2SearchSpec,
    RandomSearchSpec,
    Range,
    SearchSpec,
    TpeSearchSpec,
    Values,
)
from rgm_bench.config.searches import grid
from rgm_bench.config.trial import AxisValue

optuna.logging.set_verbosity(optuna.logging.WARNING)

Direction = Literal["minimize", "maximize"]


@final
class OptunaStudy:
    """An Optuna study in memory: trials are asked for and told in the order of their numbers.

    Each is drawn with a seed made of the search's seed and its number, so that a study which is
    built again draws the same.

    Args:
        spec: the search.
        dimensions: of its space.
        directions: `minimize` or `maximize` for each objective.
    """

    def __init__(
        self, spec: SearchSpec, dimensions: Sequence[Dimension], directions: Sequence[Direction]
    ) -> None:
        self._spec, self._dimensions = spec, dimensions
        self.study = optuna.create_study(directions=list(directions), sampler=RandomSampler())
        self._grid = list(grid(dimensions)) if isinstance(spec.sampler, GridSearchSpec) else None
        self._asked: list[optuna.Trial] = []

    def ask(self) -> Values:
        """The values of the next trial."""
        number = len(self._asked)
        if self._grid is not None:
            self.study.enqueue_trial(dict(self._grid[number]))
        self.study.sampler = _sampler(self._spec, number)
        trial = self.study.ask()
        values: dict[str, AxisValue] = {}
        for dimension in self._dimensions:
            if dimension.is_used(values):
                values[dimension.name] = suggest(trial, dimension)
        self._asked.append(trial)
        return values

    def tell(
        self,
        number: int,
        values: Sequence[float] | None,
        rungs: Sequence[tuple[int, float]] = (),
    ) -> None:
        """What a trial came to.

        Args:
            number: of the trial.
            values: of its objectives; None if it was pruned, diverged or failed.
            rungs: images and value at each rung that it reached.
        """
        trial = self._asked[number]
        for images, value in rungs:
            trial.report(value, images)
        if values is not None:
            self.study.tell(trial, list(values))
        elif len(self._spec.objectives) == 1:
            self.study.tell(trial, state=TrialState.PRUNED)
        else:  # Optuna prunes by one objective only
            self.study.tell(trial, state=TrialState.FAIL)

    def best(self, top: int) -> list[int]:
        """The numbers of the best finished trials, the best by the first objective first.

        Of several objectives, trials that nothing beats in all of them, spread evenly over their
        order by the first one: both of its ends, and of equal trials one.
        """
        several = len(self._spec.objectives) > 1
        complete = self.study.get_trials(states=(TrialState.COMPLETE,))
        signs = [-1 if d.name == "MAXIMIZE" else 1 for d in self.study.directions]

        def rank(trial: optuna.trial.FrozenTrial) -> tuple[list[float], int]:
            return [s * v for s, v in zip(signs, trial.values, strict=True)], trial.number

        found = sorted(self.study.best_trials if several else complete, key=rank)
        if not several:
            return [trial.number for trial in found[:top]]
        by_values: dict[tuple[float, ...], int] = {}
        for trial in found:
            by_values.setdefault(tuple(trial.values), trial.number)
        front = list(by_values.values())
        if len(front) <= top:
            return front
        step = (len(front) - 1) / max(1, top - 1)
        return [front[round(place * step)] for place in range(top)]


def suggest(trial: optuna.trial.BaseTrial, dimension: Dimension) -> AxisValue:
    """The value that a trial has for a parameter."""
    name, domain = dimension.name, dimension.domain
    if not isinstance(domain, Range):
        return cast(AxisValue, trial.suggest_categorical(name, domain))
    if isinstance(domain.low, int) and isinstance(domain.high, int):
        return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
    return trial.suggest_float(name, domain.low, domain.high, log=domain.log)


def _sampler(spec: SearchSpec, number: int) -> BaseSampler:
    seed = int(np.random.SeedSequence([spec.seed, number]).generate_state(1)[0])
    match spec.sampler:
        case TpeSearchSpec():
            return TPESampler(n_startup_trials=spec.sampler.startup, seed=seed)
        case Nsga2SearchSpec():
            return NSGAIISampler(population_size=spec.sampler.population, seed=seed)
        case RandomSearchSpec() | GridSearchSpec():
            return RandomSampler(seed=seed)
        case _:
            assert_never(spec.sampler)
