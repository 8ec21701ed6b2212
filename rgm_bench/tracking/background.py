"""A tracker off the critical path: a slow or broken one never holds up or ends a study."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Condition, Thread
from typing import final

from rgm_bench.config.study import StudySpec
from rgm_bench.redaction import redacted
from rgm_bench.results.files import explain, is_of_the_disk
from rgm_bench.results.store import View
from rgm_bench.tracking.base import Ending, Tracker

_OF_SQLITE = {
    "database or disk is full": "the disk of MLflow's database is full; free some space",
    "readonly database": "MLflow's database cannot be written; look at the rights of its file",
}

ALIVE_SECONDS = 60.0
"""How often the other tracker is to say that this command lives."""

CATCHES_UP = "The results are safe in the store, and the next run of this study catches up."


@final
class BackgroundTracker(Tracker):
    """Runs another tracker in a thread of its own, and turns what it raises into one warning.

    Calls of `record` that arrive while one is at work become a single one: it covers all that is
    finished by then.

    Args:
        tracker: the one that does the work; only the thread touches it.
        warn: shows a line of text to the user; may be called from the thread.
        patience_seconds: how long `close` waits for what is left to record.
    """

    def __init__(
        self, tracker: Tracker, *, warn: Callable[[str], None], patience_seconds: float = 60
    ) -> None:
        self._tracker, self._warn, self._patience_seconds = tracker, warn, patience_seconds
        self._changed = Condition()
        self._waiting: tuple[StudySpec, View] | None = None
        self._ending: Ending | None = None
        self._warned = False
        # A daemon: a server that does not answer must not keep the command from ending.
        self._thread = Thread(target=self._work, name="tracker", daemon=True)
        self._thread.start()

    def record(self, study: StudySpec, view: View) -> None:
        """Ask for a record and return at once."""
        with self._changed:
            self._waiting = (study, view)
            self._changed.notify()

    def keep_alive(self) -> None:
        """Nothing: the thread has the other one do it, as long as it lives."""

    def close(self, ending: Ending) -> None:
        """Wait for the last record and the end of the tracker, but not longer than patience."""
        with self._changed:
            self._ending = ending
            self._changed.notify()
        self._thread.join(self._patience_seconds)
        if self._thread.is_alive():
            self._warn(
                f"tracking did not finish within {self._patience_seconds:g} seconds and was left "
                f"behind. {CATCHES_UP}"
            )

    def _work(self) -> None:
        while (asked := self._next()) is not None:
            self._attempt(partial(self._tracker.record, *asked))
        self._attempt(partial(self._tracker.close, self._ending or "failed"))

    def _next(self) -> tuple[StudySpec, View] | None:
        """The latest record asked for, once there is one; None when closed and nothing is left."""
        while not self._is_asked(ALIVE_SECONDS):
            self._attempt(self._tracker.keep_alive)
        with self._changed:
            asked, self._waiting = self._waiting, None
            return asked

    def _is_asked(self, seconds: float) -> bool:
        """Whether there is something to do, once there is or after so long."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._waiting is not None or self._ending is not None, seconds
            )

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # the boundary: a tracker must not end a study
            if not self._warned:
                self._warn(f"tracking failed: {_in_words(error)}. {CATCHES_UP}")
            self._warned = True


def _in_words(error: Exception) -> str:
    """What went wrong, a full or locked disk in words of its own: MLflow passes on SQLite's."""
    if isinstance(error, OSError) and is_of_the_disk(error):
        return explain(error, Path(error.filename or "the folder of artifacts"))
    for sign, words in _OF_SQLITE.items():
        if sign in str(error):
            return words
    return _first_line(error)


def _first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return redacted(f"{type(error).__name__}: {text}") if text else type(error).__name__
