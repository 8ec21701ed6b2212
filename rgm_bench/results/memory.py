"""Results that are read from their files once."""

from pathlib import Path
from typing import final

from rgm_bench.config.given_up import GivenUp
from rgm_bench.config.study import StudySpec
from rgm_bench.results.frames import Results
from rgm_bench.results.schema import Outcome, UnitKind


@final
class RememberedResults:
    """Results as they were when first asked for: one report sees one state of a store.

    Args:
        results: where they are read.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._outcomes: dict[tuple[UnitKind, str], Outcome | None] = {}

    def outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        """How a training or an evaluation ended, or None when it had not."""
        key = (kind, unit_id)
        if key not in self._outcomes:
            self._outcomes[key] = self._results.outcome(kind, unit_id)
        return self._outcomes[key]

    def curve(self, training_id: str) -> dict[str, list[float | None]] | None:
        """The losses of a training, as they are now."""
        return self._results.curve(training_id)

    def grid(self, evaluation_id: str) -> Path | None:
        """The picture of an evaluation, as it is now."""
        return self._results.grid(evaluation_id)

    def points(self, evaluation_id: str) -> Path | None:
        """The points of an evaluation, as they are now."""
        return self._results.points(evaluation_id)

    def given_up(self, study: StudySpec) -> GivenUp:
        """The units that the search of a study goes on without, as they are now."""
        return self._results.given_up(study)
