"""How much of an objective's spread each parameter of a search accounts for."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.importance import FanovaImportanceEvaluator, get_param_importances

from rgm_bench.config.search import Search, Suggestion
from rgm_bench.search.optuna_study import suggest

MIN_TRIALS = 4
"""Finished trials below which nothing is said."""


def importances(
    search: Search, suggestions: Sequence[Suggestion], objective: int
) -> Mapping[str, float]:
    """The share of each parameter that all finished trials use, largest first; they sum to 1.

    Functional ANOVA over a random forest, as Optuna computes it with a fixed seed. Empty with too
    few finished trials, or where all have one score.
    """
    finished = [suggestion for suggestion in suggestions if suggestion.scores is not None]
    scores = [suggestion.scores[objective] for suggestion in finished if suggestion.scores]
    if len(finished) < MIN_TRIALS or len(set(scores)) < 2:
        return {}
    study = optuna.create_study()
    for suggestion, score in zip(finished, scores, strict=True):
        drawn = optuna.trial.FixedTrial(dict(suggestion.values))
        for dimension in search.dimensions:
            if dimension.name in suggestion.values:
                suggest(drawn, dimension)
        study.add_trial(
            optuna.trial.create_trial(
                params=drawn.params, distributions=drawn.distributions, value=score
            )
        )
    return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
