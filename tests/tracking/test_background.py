from threading import Event, Semaphore

from rgm_bench.tracking.background import BackgroundTracker
from rgm_bench.tracking.base import Ending, Tracker


class Recording(Tracker):
    """Notes its calls; `gate` holds the first record until the test lets it go."""

    def __init__(self, *, error: Exception | None = None, gate: Event | None = None) -> None:
        self.views: list[object] = []
        self.ending: Ending | None = None
        self.busy = Event()
        self.beats = Semaphore(0)
        self._error, self._gate = error, gate

    def record(self, study, view) -> None:
        self.views.append(view)
        self.busy.set()
        if self._gate is not None:
            self._gate.wait(10)
        if self._error is not None:
            raise self._error

    def keep_alive(self) -> None:
        self.beats.release()

    def close(self, ending: Ending) -> None:
        self.ending = ending


def test_records_that_wait_become_the_latest_one(study):
    gate, warnings = Event(), []
    inner = Recording(gate=gate)
    tracker = BackgroundTracker(inner, warn=warnings.append)
    tracker.record(study, 1)
    inner.busy.wait(10)
    for view in (2, 3, 4):
        tracker.record(study, view)
    gate.set()
    tracker.close("finished")
    assert inner.views == [1, 4]
    assert inner.ending == "finished"
    assert warnings == []


def test_a_failure_is_one_warning_and_later_records_are_still_tried(study):
    warnings: list[str] = []
    inner = Recording(error=OSError("database is locked\nlong trace"))
    tracker = BackgroundTracker(inner, warn=warnings.append)
    tracker.record(study, 1)
    inner.busy.wait(10)
    inner.busy.clear()
    tracker.record(study, 2)
    inner.busy.wait(10)
    tracker.close("failed")
    assert inner.views == [1, 2]
    (warning,) = warnings
    assert "OSError: database is locked." in warning
    assert "next run of this study catches up" in warning


def test_close_does_not_wait_for_ever(study):
    gate, warnings = Event(), []
    tracker = BackgroundTracker(Recording(gate=gate), warn=warnings.append, patience_seconds=0.05)
    tracker.record(study, 1)
    tracker.close("killed")
    gate.set()
    assert len(warnings) == 1
    assert "0.05 seconds" in warnings[0]


def test_a_command_that_has_nothing_to_record_still_says_that_it_lives(study, monkeypatch):
    monkeypatch.setattr("rgm_bench.tracking.background.ALIVE_SECONDS", 0.01)
    warnings: list[str] = []
    inner = Recording()
    tracker = BackgroundTracker(inner, warn=warnings.append)
    tracker.record(study, 1)
    assert all(inner.beats.acquire(timeout=30) for _ in range(3))
    tracker.close("finished")
    assert (inner.views, inner.ending, warnings) == ([1], "finished", [])
