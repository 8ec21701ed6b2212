"""Brings a study to complete: exactly the missing units run, whatever happened before.

The driver here is handed an executor and a tracker and knows neither Ray nor MLflow. Workers
commit their own results, so a killed driver loses nothing that was finished.
"""

import heapq
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never, final

from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StoreError
from rgm_bench.execution.attempts import Attempts
from rgm_bench.execution.base import Attempt, Executor, HeadLostError, Unit
from rgm_bench.execution.budget import Budget, StopReason
from rgm_bench.execution.failures import Failure
from rgm_bench.plan import Plan, PlannedUnit, make_plan
from rgm_bench.results.journal import Journal
from rgm_bench.results.lease import silent
from rgm_bench.results.mirror import CHECKPOINT, RESULT
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import View
from rgm_bench.tracking.base import Tracker

SUBMITTED_AHEAD = 2
"""Units submitted beyond those that run, so that no worker waits for the driver."""

WAIT_SECONDS = 1.0
"""How long the driver waits at most before it looks around."""

BUSY_SECONDS = 1.0
MOST_BUSY_SECONDS = 30.0
"""How long a unit is left alone that another driver works on: each time twice as long, up to this.
"""


class Observer(ABC):
    """Told of all that happens, to show it to somebody."""

    @abstractmethod
    def begin(self, plan: Plan, slots: int) -> None:
        """The units of `plan` that are missing are about to run, `slots` at once."""

    @abstractmethod
    def grew(self, plan: Plan) -> None:
        """The missing units of `plan` came to those that are known."""

    @abstractmethod
    def ended(self, planned: PlannedUnit, attempt: Attempt, *, again: bool) -> None:
        """An attempt ended; `again` when it was not the last at its unit."""

    @abstractmethod
    def stopping(self, reason: StopReason, seconds: float) -> None:
        """The units that run have been asked to stop, and have so many seconds for it."""

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

    def ended(self, planned: PlannedUnit, attempt: Attempt, *, again: bool) -> None:
        """Nothing."""

    def stopping(self, reason: StopReason, seconds: float) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing."""


@dataclass
class Summary:
    """What a `run` came to.

    `num_ran` units it brought to an outcome, `num_done` of them to one that is not `diverged`, and
    `num_found` others another driver had finished when it came to them. `diverged` (of both) and
    `failed` map the id of a unit to why, `blocked` lists those that needed one that failed.
    `stopped` says why the run ended with units left that it could have begun or ended.
    """

    num_done: int = 0
    num_ran: int = 0
    num_found: int = 0
    diverged: dict[str, str] = field(default_factory=dict[str, str])
    failed: dict[str, Failure] = field(default_factory=dict[str, Failure])
    blocked: list[str] = field(default_factory=list[str])
    stopped: StopReason | None = None
    seconds: float = 0.0


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
        budget: what may be used, and whether to stop.
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
        budget: Budget,
        journal: Journal,
        tracker: Tracker,
        observer: Observer,
        grow: Grow | None = None,
    ) -> None:
        self._study, self._plan, self._view = study, plan, view
        self._executor, self._budget, self._journal = executor, budget, journal
        self._tracker, self._observer = tracker, observer
        self._grow = grow
        self._remade: set[str] = set()  # trainings whose weights were found damaged
        self._units: dict[str, PlannedUnit] = {}  # without those that ended
        self._attempts = Attempts(self._saved)
        self._num_begun = 0
        self._running: set[str] = set()
        self._postponed: list[tuple[float, str]] = []  # a heap, by the time to look again
        self._pauses: dict[str, float] = {}
        self._waiting: dict[str, list[str]] = {}
        self._ready: deque[str] = deque()
        self.summary = Summary()
        self._add(plan)

    def run(self) -> Summary:
        """Return when every missing unit has an outcome or has failed, or the budget is spent."""
        started = time.monotonic()
        self._observer.begin(self._plan, self._executor.slots)
        try:
            while not self._budget.is_spent() and self._submit():
                self._wait(WAIT_SECONDS)
            if self._budget.reason is not None:
                self._drain(self._budget.reason)
            elif self._ready:
                self.summary.stopped = "number of units reached"
        except HeadLostError:
            self.summary.stopped = "Ray's head lost"
        finally:
            self.summary.seconds = time.monotonic() - started
            self._observer.finish()
        return self.summary

    def _add(self, plan: Plan) -> None:
        """Take up the missing units of a plan but those at work, which trials may share.

        A training may come again, when more of it is needed, but not in a run in which it failed.
        """
        failed, blocked = self.summary.failed, self.summary.blocked
        for planned in plan.missing:
            unit = planned.unit
            if unit.id in self._units or unit.id in failed or unit.id in blocked:
                continue
            if unit.needs in failed:
                blocked.append(unit.id)
                continue
            self._units[unit.id] = planned
            if unit.needs in self._units:
                self._waiting.setdefault(unit.needs, []).append(unit.id)
            else:
                self._ready.append(unit.id)

    def _submit(self) -> bool:
        """Submit as much as there is room for; whether there is anything to wait for."""
        while self._postponed and self._postponed[0][0] <= time.monotonic():
            self._ready.append(heapq.heappop(self._postponed)[1])
        chosen, found = self._choose()
        for unit_id in chosen:
            self._num_begun += unit_id not in self._attempts
            self._attempts.begin(self._units[unit_id].unit)
        self._journal.append_all(
            [
                {"event": "submitted", "unit": unit_id, "attempt": self._attempts.number(unit_id)}
                for unit_id in chosen
            ]
        )
        for unit_id in chosen:
            self._running.add(unit_id)
            unit = self._units[unit_id].unit
            self._executor.submit(replace(unit, silent=silent(unit_id)))
        self._take_all(found)
        if not (self._running or found) and self._postponed:
            pause = self._postponed[0][0] - time.monotonic()
            time.sleep(min(max(0.0, pause), WAIT_SECONDS))  # a signal or a limit may come
        return bool(self._running or found or self._postponed)

    def _choose(self) -> tuple[list[str], list[Attempt]]:
        """The units to submit now, and those that another driver was found to have finished.

        One that another driver works on costs nothing but a look at its lease.
        """
        chosen: list[str] = []
        found: list[Attempt] = []
        room = self._executor.slots + SUBMITTED_AHEAD - len(self._running)
        begun = self._num_begun
        passed: list[str] = []
        while self._ready and len(chosen) < room:
            unit_id = self._ready.popleft()
            unit = self._units[unit_id].unit
            tried = unit_id in self._attempts
            if not tried and begun >= self._budget.units:
                passed.append(unit_id)
            elif self._is_of_another(unit_id):
                self._postpone(unit_id)
            elif (outcome := self._found(unit)) is not None:
                found.append(Attempt(unit_id, "found", 0.0, outcome.reason))
            else:
                begun += not tried
                chosen.append(unit_id)
        self._ready.extendleft(reversed(passed))
        return chosen, found

    def _is_of_another(self, unit_id: str) -> bool:
        """Whether another driver works on a unit.

        Not asked after a failure here: the lease may be of the attempt that failed, and a worker on
        its machine sees that sooner.
        """
        asked = unit_id not in self._attempts or unit_id in self._pauses
        return asked and self._view.store.is_held(unit_id)

    def _found(self, unit: Unit) -> Outcome | None:
        """The outcome of a unit that another driver has worked on, if that one has finished it."""
        if unit.id not in self._pauses:
            return None
        self._fetch(unit)
        outcome = self._view.store.outcome(unit.kind, unit.id, self._view.digests[unit.kind])
        return outcome if outcome is not None and unit.is_done_by(outcome) else None

    def _saved(self, unit: Unit) -> str | None:
        """What tells one checkpoint of a training in the store from the next."""
        if unit.kind != "training":
            return None
        store, digest = self._view.store, self._view.digests[unit.kind]
        return store.stamp(store.folder(unit.kind, unit.id, digest) / CHECKPOINT)

    def _wait(self, seconds: float) -> None:
        self._budget.at_work(self._executor.num_at_work)
        self._take_all(self._executor.wait(seconds))
        self._budget.at_work(0)

    def _drain(self, reason: StopReason) -> None:
        """Have what runs save itself, for as long as it may take."""
        if not (self._ready or self._running or self._postponed):
            return  # the last unit ended at that very moment
        self.summary.stopped = reason
        self._journal.append("stopping", reason=reason)
        self._observer.stopping(reason, self._budget.grace_seconds)
        self._executor.stop()
        until = time.monotonic() + self._budget.grace_seconds
        while self._running and time.monotonic() < until:
            self._wait(max(0.0, until - time.monotonic()))

    def _take_all(self, attempts: Sequence[Attempt]) -> None:
        """Act on attempts that ended, once the journal holds them."""
        self._journal.append_all(
            [
                {
                    "event": attempt.ending,
                    "unit": attempt.unit,
                    "attempt": self._attempts.number(attempt.unit),
                    "seconds": attempt.seconds,
                    "reason": attempt.reason,
                    "kind": attempt.failure,
                }
                for attempt in attempts
                if attempt.ending != "busy"
            ]
        )
        for attempt in attempts:
            self._take(attempt)

    def _take(self, attempt: Attempt) -> None:
        unit_id = attempt.unit
        planned = self._units[unit_id]
        self._running.discard(unit_id)
        again = attempt.ending == "stopped"
        match attempt.ending:
            case "ok":
                self.summary.num_done += 1
                self.summary.num_ran += 1
                self._finish(planned)
            case "diverged":
                self.summary.num_ran += 1
                self.summary.diverged[unit_id] = attempt.reason or "no reason given"
                self._finish(planned)
            case "found":
                self.summary.num_found += 1
                if attempt.reason is not None:
                    self.summary.diverged[unit_id] = attempt.reason
                self._take_back(unit_id)
                self._finish(planned)
            case "failed":
                self._pauses.pop(unit_id, None)
                again = self._attempts.fail(planned.unit, attempt)
                refused = self._mend(planned.unit, attempt)
                if refused is None:
                    return
                attempt = replace(attempt, reason=refused)
                if again:
                    self._ready.appendleft(unit_id)
                else:
                    self._fail(attempt)
            case "stopped":
                self._ready.append(unit_id)
            case "busy":
                self._take_back(unit_id)
                self._postpone(unit_id)
                return
            case _:
                assert_never(attempt.ending)
        self._observer.ended(planned, attempt, again=again)

    def _mend(self, unit: Unit, attempt: Attempt) -> str | None:
        """Have a training made again whose weights were found damaged; else why the unit failed."""
        damage, training_id = attempt.damage, unit.needs
        if training_id in self._units:  # it is being made again, and this one was under way
            self._waiting.setdefault(training_id, []).append(unit.id)
            return None
        if damage is None or training_id is None or training_id in self._remade:
            return attempt.reason
        try:
            if not self._view.on_damage(damage):
                return attempt.reason
        except StoreError as error:
            return str(error)
        self._remade.add(training_id)
        self._start_over(training_id)
        return None

    def _start_over(self, training_id: str) -> None:
        """Plan a training anew, and all that measures it and does not run now."""
        for unit_id in [*self._units]:
            if self._units[unit_id].unit.needs == training_id and unit_id not in self._running:
                del self._units[unit_id]
                self._attempts.forget(unit_id)
        self._ready = deque(each for each in self._ready if each in self._units)
        self._postponed = [each for each in self._postponed if each[1] in self._units]
        heapq.heapify(self._postponed)
        self._take_up(make_plan(self._study, self._view))

    def _take_back(self, unit_id: str) -> None:
        """Not to have begun with a unit after all, if this driver has submitted it."""
        if unit_id in self._attempts:
            self._attempts.take_back(unit_id)
            self._num_begun -= unit_id not in self._attempts

    def _postpone(self, unit_id: str) -> None:
        """Leave a unit to the driver that works on it, and look again later."""
        # no more often than the other says how far it is
        first = max(BUSY_SECONDS, self._view.store.heartbeat_seconds)
        pause = min(2 * self._pauses.get(unit_id, first / 2), max(first, MOST_BUSY_SECONDS))
        self._pauses[unit_id] = pause
        heapq.heappush(self._postponed, (time.monotonic() + pause, unit_id))

    def _finish(self, planned: PlannedUnit) -> None:
        unit = planned.unit
        self._fetch(unit)
        del self._units[unit.id]
        self._attempts.forget(unit.id)
        self._pauses.pop(unit.id, None)
        # what measures a finished training goes first: a table fills up as early as it can
        self._ready.extendleft(self._waiting.pop(unit.id, []))
        if unit.id in self._remade:  # what measured other weights before comes too
            self._take_up(make_plan(self._study, self._view))
        if unit.kind == "evaluation":
            self._go_on()
            self._tracker.record(self._study, self._view)

    def _fetch(self, unit: Unit) -> None:
        """Have the result here of a worker on another machine, which has put it into the store."""
        self._view.store.fetch(unit.kind, unit.id, self._view.digests[unit.kind], RESULT)

    def _go_on(self) -> None:
        """Ask a search what it needs next."""
        if self._grow is None:
            return
        self._study, plan = self._grow()
        self._take_up(plan)

    def _take_up(self, plan: Plan) -> None:
        """Add the missing units of a plan that was made while others ran, and say so."""
        if plan.missing:
            self._add(plan)
            self._observer.grew(plan)

    def _fail(self, attempt: Attempt) -> None:
        kind, reason = attempt.failure or "code error", attempt.reason or "no reason given"
        self.summary.failed[attempt.unit] = Failure(
            kind, self._attempts.number(attempt.unit), reason
        )
        blocked: Sequence[str] = self._waiting.pop(attempt.unit, [])
        self.summary.blocked.extend(blocked)
        for unit_id in (attempt.unit, *blocked):
            del self._units[unit_id]
