"""Brings a study to complete: exactly the missing units run, whatever happened before.

The driver here is handed an executor and a tracker and knows neither Ray nor MLflow. Workers
commit their own results, so a killed driver loses nothing that was finished.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, assert_never, final

from rgm_bench.config.study import StudySpec
from rgm_bench.execution.base import Attempt, Executor
from rgm_bench.plan import Plan, PlannedUnit
from rgm_bench.results.journal import Journal
from rgm_bench.results.store import View
from rgm_bench.tracking.base import Tracker

MAX_ATTEMPTS = 3
"""Attempts at a unit whose worker dies; an error in the unit itself is not tried again."""

SUBMITTED_AHEAD = 2
"""Units submitted beyond those that run, so that no worker waits for the driver."""

BUSY_SECONDS = 1.0
"""How long a unit is left alone that another driver works on."""


class Observer(ABC):
    """Told of all that happens, to show it to somebody."""

    @abstractmethod
    def begin(self, plan: Plan, slots: int) -> None:
        """The units of `plan` that are missing are about to run, `slots` at once."""

    @abstractmethod
    def grew(self, plan: Plan) -> None:
        """The missing units of `plan` came to those that are known."""

    @abstractmethod
    def ended(self, planned: PlannedUnit, attempt: Attempt) -> None:
        """An attempt ended, in whatever way."""

    @abstractmethod
    def finish(self) -> None:
        """Nothing more runs."""


@final
class SilentObserver(Observer):
    """Shows nothing."""

    def begin(self, plan: Plan, slots: int) -> None:
        """Nothing."""

    def grew(self, plan: Plan) -> None:
        """Nothing."""

    def ended(self, planned: PlannedUnit, attempt: Attempt) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


@dataclass
class Summary:
    """What a `run` came to.

    `failed` maps the id of a unit to why, `blocked` lists those that needed one of them.
    """

    num_done: int = 0
    num_diverged: int = 0
    failed: dict[str, str] = field(default_factory=dict[str, str])
    blocked: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    @property
    def num_ran(self) -> int:
        """Units that came to an outcome."""
        return self.num_done + self.num_diverged


Grow = Callable[[], tuple[StudySpec, Plan]]
"""What a search goes on with once more has been measured: the study, and its new units."""


@final
class Driver:
    """Runs the missing units of a plan.

    Args:
        study: the study.
        plan: its units.
        view: the store they are committed to.
        executor: carries them out; closed by the caller.
        journal: told before and after each attempt.
        tracker: told whenever an evaluation is finished.
        observer: told of everything.
        grow: asked after each evaluation; None for a study that is all there from the start.
    """

    def __init__(
        self,
        *,
        study: StudySpec,
        plan: Plan,
        view: View,
        executor: Executor,
        journal: Journal,
        tracker: Tracker,
        observer: Observer,
        grow: Grow | None = None,
    ) -> None:
        self._study, self._plan, self._view = study, plan, view
        self._executor, self._journal = executor, journal
        self._tracker, self._observer = tracker, observer
        self._grow = grow
        self._units: dict[str, PlannedUnit] = {}  # without those that ended
        self._attempts: dict[str, int] = {}
        self._running: set[str] = set()
        self._postponed: deque[tuple[float, str]] = deque()
        self._waiting: dict[str, list[str]] = {}
        self._ready: deque[str] = deque()
        self.summary = Summary()
        self._add(plan)

    def run(self) -> Summary:
        """Return when every missing unit has an outcome or has failed."""
        started = time.monotonic()
        self._observer.begin(self._plan, self._executor.slots)
        try:
            while self._ready or self._running or self._postponed:
                self._submit()
                for attempt in self._executor.wait(BUSY_SECONDS):
                    self._take(attempt)
        finally:
            self.summary.seconds = time.monotonic() - started
            self._observer.finish()
        return self.summary

    def _add(self, plan: Plan) -> None:
        """Take up the missing units of a plan but those at work, which trials may share.

        A training may come again, when more of it is needed.
        """
        new = {p.unit.id: p for p in plan.missing if p.unit.id not in self._units}
        self._units |= new
        for unit_id, planned in new.items():
            if planned.unit.needs in self._units:
                self._waiting.setdefault(planned.unit.needs, []).append(unit_id)
            else:
                self._ready.append(unit_id)

    def _submit(self) -> None:
        while self._postponed and self._postponed[0][0] <= time.monotonic():
            self._ready.append(self._postponed.popleft()[1])
        while self._ready and len(self._running) < self._executor.slots + SUBMITTED_AHEAD:
            unit_id = self._ready.popleft()
            self._attempts[unit_id] = self._attempts.get(unit_id, 0) + 1
            self._journal.append("submitted", unit=unit_id, attempt=self._attempts[unit_id])
            self._running.add(unit_id)
            self._executor.submit(self._units[unit_id].unit)
        if not self._running and self._postponed:
            time.sleep(max(0.0, self._postponed[0][0] - time.monotonic()))

    def _take(self, attempt: Attempt) -> None:
        unit_id = attempt.unit
        planned = self._units[unit_id]
        self._running.discard(unit_id)
        match attempt.ending:
            case "ok" | "diverged":
                self._finish(planned, attempt.ending)
            case "failed":
                self._fail(unit_id, attempt.reason or "no reason given")
            case "lost" if self._attempts[unit_id] < MAX_ATTEMPTS:
                self._ready.appendleft(unit_id)
            case "lost":
                times = f"{MAX_ATTEMPTS} times in a row"
                self._fail(unit_id, f"{attempt.reason} ({times})")
            case "busy":
                self._attempts[unit_id] -= 1
                self._postponed.append((time.monotonic() + BUSY_SECONDS, unit_id))
                return
            case _:
                assert_never(attempt.ending)
        self._journal.append(
            attempt.ending, unit=unit_id, seconds=attempt.seconds, reason=attempt.reason
        )
        self._observer.ended(planned, attempt)

    def _finish(self, planned: PlannedUnit, ending: Literal["ok", "diverged"]) -> None:
        if ending == "ok":
            self.summary.num_done += 1
        else:
            self.summary.num_diverged += 1
        del self._units[planned.unit.id], self._attempts[planned.unit.id]
        # what measures a finished training goes first: a table fills up as early as it can
        self._ready.extendleft(self._waiting.pop(planned.unit.id, []))
        if planned.unit.kind == "evaluation":
            self._go_on()
            self._tracker.record(self._study, self._view)

    def _go_on(self) -> None:
        """Ask a search what it needs next."""
        if self._grow is None:
            return
        self._study, plan = self._grow()
        if plan.missing:
            self._add(plan)
            self._observer.grew(plan)

    def _fail(self, unit_id: str, reason: str) -> None:
        self.summary.failed[unit_id] = reason
        blocked: Sequence[str] = self._waiting.pop(unit_id, [])
        self.summary.blocked.extend(blocked)
