"""A search, brought as far as results allow: a function of the study and the store alone.

Nothing of a search is kept but its trials' results, and the units that its user has given up. What
was suggested, pruned and confirmed follows from them: trial k is drawn from exactly the trials
before k - lag, told in the order of their numbers, with a seed of its own. So a search that was
killed is where it was, the number of workers changes no suggestion, and a published table can tell
how it was found.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, final

from rgm_bench.config.real_rows import real_rows
from rgm_bench.config.search import COST_OBJECTIVES, TRIAL, Found, Suggestion
from rgm_bench.config.study import StudySpec
from rgm_bench.config.trial import Trial
from rgm_bench.metrics.names import MetricName
from rgm_bench.search.asha import goes_on
from rgm_bench.search.optuna_study import Direction, OptunaStudy

if TYPE_CHECKING:
    from rgm_bench.results.frames import Results
    from rgm_bench.results.schema import Outcome

HIGHER_IS_BETTER = frozenset(
    ("inception_score", "precision", "recall", "modes_covered", "good_share", "psnr", "ssim")
)
"""As the columns of reports say it, which stand above this package; a test holds them together."""


@final
class SearchRun:
    """A search on its way.

    Args:
        study: the study, which has a search.
        results: where results are looked up; what is given up later is not seen.
    """

    def __init__(self, study: StudySpec, results: "Results") -> None:
        assert study.search
        self._study, self._search, self._results = study, study.search, results
        spec = study.search.spec
        self._shares = (*(spec.pruner.rungs if spec.pruner else ()), 1.0)
        metrics = [metric for _, metric in study.search.objectives]
        self._signs = [-1 if metric in HIGHER_IS_BETTER else 1 for metric in metrics]
        directions: list[Direction] = [
            "maximize" if sign < 0 else "minimize" for sign in self._signs
        ]
        self.optuna = OptunaStudy(spec, study.search.dimensions, directions)
        self.suggestions: list[Suggestion] = []
        self.confirmed: tuple[int, ...] = ()
        self._given_up = results.given_up(study)
        self._told = 0
        self._trials: dict[tuple[int, str, str], Trial] = {}
        self._real: dict[str, Trial] = {}
        self._fresh: list[Trial] = []
        self._measured: dict[tuple[int, float], tuple[Trial, ...]] = {}

    @property
    def study(self) -> StudySpec:
        """The study with the trials that it has so far, and rows of real images."""
        axes = {TRIAL: tuple(range(len(self.suggestions)))}
        # by number, whichever came in first: the same results give the same rows
        trials = [trial for _, trial in sorted(self._trials.items(), key=lambda item: item[0][0])]
        found = Found(tuple(self.suggestions), self.confirmed, self._given_up)
        return replace(self._study, axes=axes, trials=(*trials, *self._real.values()), found=found)

    @property
    def is_searched(self) -> bool:
        """Whether every trial of the search has come to an end."""
        spec = self._search.spec
        return len(self.suggestions) == spec.trials and self._told == spec.trials

    def advance(self) -> list[Trial]:
        """Follow the results as far as they go: the trials that came in since the last call."""
        spec = self._search.spec
        while True:
            for suggestion in self.suggestions[self._told :]:
                self._follow(suggestion)
            self._tell()
            number = len(self.suggestions)
            if number == spec.trials or self._told < number - spec.lag:
                break
            self.suggestions.append(Suggestion(number, self.optuna.ask()))
        if self.is_searched and spec.confirm and not self.confirmed:
            self.confirmed = tuple(self.optuna.best(spec.confirm.top))
            for number in self.confirmed:
                values = self.suggestions[number].values
                self._add(number, self._search.trials(number, values, 1.0, True))
        fresh, self._fresh = self._fresh, []
        return fresh

    def _follow(self, suggestion: Suggestion) -> None:
        """Look at a trial at each share of its images, as far as it was measured."""
        while suggestion.state == "running":
            share = self._shares[len(suggestion.rungs)]
            trials = self._measured_at(suggestion, share)
            judged = [trial for trial in trials if trial.at == share]
            if any(self._is_lost(trial) for trial in judged):
                suggestion.state = "failed"
                return
            if any(self._diverged(trial) for trial in trials):
                suggestion.state = "diverged"
                return
            scores = tuple(self._score(judged, *each) for each in self._search.objectives)
            if None in scores:
                return
            self._judge(suggestion, share, tuple(score for score in scores if score is not None))

    def _judge(self, suggestion: Suggestion, share: float, scores: tuple[float, ...]) -> None:
        suggestion.rungs[share] = scores[0]
        if share == 1.0:
            suggestion.state, suggestion.scores = "finished", scores
            return
        pruner = self._search.spec.pruner
        assert pruner
        earlier = self.suggestions[: max(0, suggestion.number - self._search.spec.lag)]
        sign = self._signs[0]
        others = [sign * other.rungs[share] for other in earlier if share in other.rungs]
        if not goes_on(sign * scores[0], others, pruner.reduction):
            suggestion.state = "pruned"

    def _tell(self) -> None:
        """Tell what ended, in the order of the numbers, and no more than the next draw may know."""
        while self._told < len(self.suggestions):
            suggestion = self.suggestions[self._told]
            known = len(self.suggestions) - self._search.spec.lag
            is_last = len(self.suggestions) == self._search.spec.trials
            if suggestion.state == "running" or (self._told >= known and not is_last):
                return
            images = self._images_of(suggestion)
            rungs = [
                (images[share], value) for share, value in suggestion.rungs.items() if share < 1
            ]
            self.optuna.tell(suggestion.number, suggestion.scores, rungs)
            self._told += 1

    def _images_of(self, suggestion: Suggestion) -> dict[float, int]:
        (first, *_) = self._measured_at(suggestion, self._shares[0])
        training = first.training
        return {share: training.images_at(share) for share in self._shares} if training else {}

    def _measured_at(self, suggestion: Suggestion, share: float) -> tuple[Trial, ...]:
        key = (suggestion.number, share)
        if key not in self._measured:
            trials = self._search.trials(suggestion.number, suggestion.values, share, False)
            self._measured[key] = trials
            self._add(suggestion.number, trials)
        return self._measured[key]

    def _add(self, number: int, trials: Sequence[Trial]) -> None:
        for trial in trials:
            key = (number, trial.evaluation, trial.id)
            if key not in self._trials:
                self._trials[key] = trial
                self._fresh.append(trial)
        for row in real_rows(trials):
            if row.id not in self._real:
                self._real[row.id] = row
                self._fresh.append(row)

    def _is_lost(self, trial: Trial) -> bool:
        """Whether an objective of a trial needs what was given up."""
        is_objective = any(trial.evaluation == name for name, _ in self._search.objectives)
        return is_objective and self._given_up.lost(trial) is not None

    def _diverged(self, trial: Trial) -> bool:
        outcome = self._results.outcome("evaluation", trial.id)
        if outcome is not None:
            return outcome.status == "diverged" or self._has_gap(trial, outcome)
        if trial.training is None or trial.training_id is None or trial.at is None:
            return False
        training = self._results.outcome("training", trial.training_id)
        if training is None or training.status != "diverged":
            return False
        # one that diverged later has left the weights that the trial measures
        return training.images < trial.training.images_at(trial.at)

    def _has_gap(self, trial: Trial, outcome: "Outcome") -> bool:
        """Whether an objective of a trial is no number, which no more training of it would mend."""
        measure = trial.spec.measure
        return any(
            str(MetricName(metric, measure.space, measure.count)) in outcome.gaps
            or metric.removeprefix("evaluation_") in outcome.gaps
            for evaluation, metric in self._search.objectives
            if evaluation == trial.evaluation
        )

    def _score(self, trials: Sequence[Trial], evaluation: str, metric: str) -> float | None:
        """The mean over seeds of an objective, or None until all of them are measured."""
        values = [self._value(trial, metric) for trial in trials if trial.evaluation == evaluation]
        known = [value for value in values if value is not None]
        return fmean(known) if len(known) == len(values) else None

    def _value(self, trial: Trial, metric: str) -> float | None:
        outcome = self._results.outcome("evaluation", trial.id)
        if outcome is None:
            return None
        if metric == "flops":
            assert trial.training_id is not None
            training = self._results.outcome("training", trial.training_id)
            return None if training is None else training.cost["flops"]
        if metric in COST_OBJECTIVES:
            return outcome.cost[metric.removeprefix("evaluation_")]
        measure = trial.spec.measure
        return outcome.metrics[str(MetricName(metric, measure.space, measure.count))]
