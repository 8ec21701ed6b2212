"""Searches: which trials a study has, where they follow from what others have scored."""

from typing import TYPE_CHECKING

from rgm_bench.config.study import StudySpec

if TYPE_CHECKING:
    from rgm_bench.results.frames import Results


def searched(study: StudySpec, results: "Results") -> StudySpec:
    """The study with the trials that its search has come to; one without a search as it is."""
    if study.search is None:
        return study
    from rgm_bench.search.run import SearchRun  # optuna takes half a second to import

    run = SearchRun(study, results)
    run.advance()
    return run.study
