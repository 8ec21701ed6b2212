"""The tracker of a study that nobody tracks."""

from typing import final

from rgm_bench.config.study import StudySpec
from rgm_bench.results.store import View
from rgm_bench.tracking.base import Ending, Tracker


@final
class NullTracker(Tracker):
    """Copies nothing."""

    def record(self, study: StudySpec, view: View) -> None:
        """Leave everything where it is."""

    def keep_alive(self) -> None:
        """Nobody asks."""

    def close(self, ending: Ending) -> None:
        """Nothing is open."""
