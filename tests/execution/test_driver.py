"""The driver, with executors whose units do nothing or go wrong on purpose."""

import math
import signal
import threading
import time
from pathlib import Path
from typing import get_args

import pytest

from rgm_bench.execution.base import Attempt, Executor, Perform, ShouldStop, Unit, go_on
from rgm_bench.execution.budget import Budget
from rgm_bench.execution.failures import TRIED_AGAIN, Failure, FailureKind, failures_in
from rgm_bench.execution.local import LocalExecutor
from rgm_bench.execution.signals import first_signal
from rgm_bench.plan import make_plan
from rgm_bench.results.files import write_whole
from rgm_bench.results.journal import Journal, read_journal
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View
from rgm_bench.study_run import Driver, Observer, SilentObserver, Summary
from rgm_bench.tracking.null import NullTracker


def commit(view: View, unit: Unit) -> Attempt:
    view.store.commit(
        Outcome(
            unit.kind,
            unit.id,
            view.digests[unit.kind],
            "ok",
            None,
            unit.spec.get("images", 0),
            unit.spec,
        )
    )
    return Attempt(unit.id, "ok", 0.0)


def drive(
    study,
    view: View,
    executor: Executor,
    folder: Path,
    budget: Budget | None = None,
    observer: Observer | None = None,
) -> Summary:
    journal = Journal(folder)
    driver = Driver(
        study=study,
        plan=make_plan(study, view),
        view=view,
        executor=executor,
        budget=budget or Budget(),
        journal=journal,
        tracker=NullTracker(),
        observer=observer or SilentObserver(),
    )
    try:
        return driver.run()
    finally:
        journal.close()


@pytest.fixture
def view(tmp_path: Path) -> View:
    return View(Store(tmp_path / "store"))


def test_each_unit_runs_once_and_trainings_before_what_measures_them(
    tiny_study, view, tmp_path
) -> None:
    order: list[Unit] = []

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        order.append(unit)
        return commit(view, unit)

    summary = drive(tiny_study, view, LocalExecutor(perform), tmp_path / "j")
    ids = [unit.id for unit in order]
    assert len(ids) == len(set(ids)) == summary.num_done == 6
    for position, unit in enumerate(order):
        assert unit.needs is None or unit.needs in ids[:position]
    assert drive(tiny_study, view, LocalExecutor(perform), tmp_path / "j").num_ran == 0
    assert len(order) == 6


def test_a_failed_training_blocks_only_what_measures_it(tiny_study, view, tmp_path) -> None:
    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        if unit.kind == "training" and unit.spec["method"]["fidelity_weight"] == 0:
            return Attempt(unit.id, "failed", 0.0, "planted", failure="code error")
        return commit(view, unit)

    summary = drive(tiny_study, view, LocalExecutor(perform), tmp_path / "j")
    assert list(summary.failed.values()) == [Failure("code error", 1, "planted")]
    assert len(summary.blocked) == 1
    assert summary.num_done == 4
    reasons = [e.get("reason") for e in read_journal(tmp_path / "j") if e["event"] == "failed"]
    assert reasons == ["planted"]


@pytest.mark.parametrize("kind", sorted(get_args(FailureKind)))
@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_three_attempts_for_what_comes_from_outside_and_one_for_the_rest(
    without_real, view, tmp_path, kind, times
) -> None:
    failed: dict[str, int] = {}

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        failed[unit.id] = failed.get(unit.id, 0) + 1
        if unit.kind == "training" and failed[unit.id] <= times:
            return Attempt(unit.id, "failed", 0.0, "planted", failure=kind)
        return commit(view, unit)

    summary = drive(without_real, view, LocalExecutor(perform), tmp_path / "j")
    allowed = 3 if kind in TRIED_AGAIN else 1
    fails = times >= allowed
    assert summary.num_done == (0 if fails else 4)
    expected = [Failure(kind, allowed, "planted")] * 2 if fails else []
    assert list(summary.failed.values()) == expected
    journal = list(read_journal(tmp_path / "j"))
    assert failures_in(journal) == summary.failed
    told = [(e["kind"], e["attempt"]) for e in journal if e["event"] == "failed"]
    attempts = range(1, min(times, allowed) + 1)
    assert sorted(told) == sorted((kind, number) for number in attempts for _ in range(2))


@pytest.mark.parametrize(
    ("kind", "gains", "attempts"),
    [
        ("worker killed", 5, 8),
        ("node lost", 5, 8),
        ("out of memory", 5, 3),  # it would be there the next time too
        ("code error", 5, 1),
        ("node lost", 0, 3),
    ],
)
def test_an_attempt_that_saved_more_before_its_place_was_lost_does_not_count(
    without_real, view, tmp_path, kind, gains, attempts
) -> None:
    tried: dict[str, int] = {}

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        number = tried[unit.id] = tried.get(unit.id, 0) + 1
        if number <= gains:
            folder = view.store.folder(unit.kind, unit.id, view.digests[unit.kind])
            write_whole(folder / "checkpoint.safetensors", b"%d" % number)
        return Attempt(unit.id, "failed", 0.0, "planted", failure=kind)

    summary = drive(without_real, view, LocalExecutor(perform), tmp_path / "j")
    assert list(summary.failed.values()) == [Failure(kind, attempts, "planted")] * 2
    assert set(tried.values()) == {attempts}


def test_a_busy_unit_is_asked_for_again(without_real, view, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("rgm_bench.study_run.BUSY_SECONDS", 0.01)
    monkeypatch.setattr("rgm_bench.results.lease.HEARTBEAT_SECONDS", 0.01)
    asked: dict[str, int] = {}

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        asked[unit.id] = asked.get(unit.id, 0) + 1
        return Attempt(unit.id, "busy", 0.0) if asked[unit.id] < 5 else commit(view, unit)

    assert drive(without_real, view, LocalExecutor(perform), tmp_path / "j").num_done == 4
    assert set(asked.values()) == {5}


# --- other drivers ----------------------------------------------------------------------------


def asked_for(folder: Path) -> list[str]:
    return [event["unit"] for event in read_journal(folder) if event["event"] == "submitted"]


def test_a_unit_that_another_works_on_costs_a_look_and_is_found_when_it_is_done(
    without_real, view, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("rgm_bench.study_run.BUSY_SECONDS", 0.01)
    monkeypatch.setattr("rgm_bench.study_run.MOST_BUSY_SECONDS", 0.1)
    monkeypatch.setattr("rgm_bench.results.lease.HEARTBEAT_SECONDS", 0.01)
    of_another = make_plan(without_real, view).missing[0].unit
    lease = view.store.lease(of_another.kind, of_another.id)
    assert lease is not None
    looks: list[str] = []
    real = Store.is_held
    monkeypatch.setattr(Store, "is_held", lambda *given: (looks.append(given[1]), real(*given))[1])

    def another() -> None:
        with lease:
            while looks.count(of_another.id) < 4:
                time.sleep(0.01)
            commit(view, of_another)

    thread = threading.Thread(target=another)
    thread.start()
    executor = LocalExecutor(lambda unit, should_stop: commit(view, unit))
    summary = drive(without_real, view, executor, tmp_path / "j")
    thread.join()
    assert (summary.num_ran, summary.num_found, summary.diverged) == (3, 1, {})
    assert of_another.id not in asked_for(tmp_path / "j")
    endings = {e["unit"]: e["event"] for e in read_journal(tmp_path / "j") if "unit" in e}
    assert endings.pop(of_another.id) == "found"
    assert set(endings.values()) == {"ok"}


def test_looks_at_a_unit_of_another_become_rare(without_real, view, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("rgm_bench.study_run.BUSY_SECONDS", 0.02)
    monkeypatch.setattr("rgm_bench.results.lease.HEARTBEAT_SECONDS", 0.01)
    of_another = make_plan(without_real, view).missing[0].unit
    looks: list[float] = []
    real = Store.is_held

    def held(store: Store, unit_id: str) -> bool:
        if unit_id != of_another.id:
            return real(store, unit_id)
        looks.append(time.monotonic())
        return len(looks) < 7

    monkeypatch.setattr(Store, "is_held", held)
    executor = LocalExecutor(lambda unit, should_stop: commit(view, unit))
    assert drive(without_real, view, executor, tmp_path / "j").num_ran == 4
    assert len(looks) == 7
    assert looks[-1] - looks[0] >= 0.02 * (1 + 2 + 4 + 8 + 16 + 32)


def test_two_drivers_share_a_study_and_count_each_unit_once(tiny_study, view, tmp_path) -> None:
    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        done = view.store.outcome(unit.kind, unit.id, view.digests[unit.kind])
        return Attempt(unit.id, "found", 0.0) if done else commit(view, unit)

    inner: list[Summary] = []

    def overtaken(unit: Unit, should_stop: ShouldStop) -> Attempt:
        if not inner:  # all of the study, while the first driver is at its first unit
            inner.append(drive(tiny_study, view, LocalExecutor(perform), tmp_path / "other"))
        return perform(unit, should_stop)

    summary = drive(tiny_study, view, LocalExecutor(overtaken), tmp_path / "j", Budget(units=1))
    assert (inner[0].num_ran, inner[0].num_found) == (6, 0)
    assert (summary.num_ran, summary.num_found) == (0, 6)  # and none is of the one it may begin


class Overlapping(Executor):
    """Ends units in the reverse order of their submission, and records how many were out."""

    def __init__(self, perform: Perform, slots: int) -> None:
        self.perform, self.slots = perform, slots
        self.out: list[Unit] = []
        self.most = 0

    @property
    def num_at_work(self) -> int:
        return min(self.slots, len(self.out))

    def submit(self, unit: Unit) -> None:
        self.out.append(unit)
        self.most = max(self.most, len(self.out))

    def wait(self, seconds: float) -> list[Attempt]:
        return [self.perform(self.out.pop(), go_on)]

    def stop(self) -> None:
        self.out.clear()

    def close(self) -> None:
        self.out.clear()


def test_the_order_in_which_units_end_changes_nothing(tiny_study, view, tmp_path) -> None:
    executor = Overlapping(lambda unit, should_stop: commit(view, unit), slots=1)
    assert drive(tiny_study, view, executor, tmp_path / "j").num_done == 6
    assert executor.most == 3  # what runs, and two submitted ahead


def test_an_interruption_leaves_what_is_finished(tiny_study, view, tmp_path) -> None:
    done: list[str] = []

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(unit.id)
        return commit(view, unit)

    with pytest.raises(KeyboardInterrupt):
        drive(tiny_study, view, LocalExecutor(perform), tmp_path / "j")
    missing = make_plan(tiny_study, view).missing
    assert len(missing) == 3
    assert not {planned.unit.id for planned in missing} & set(done)


# --- limits and signals -----------------------------------------------------------------------


def slow(view: View, seconds: float) -> Perform:
    """Units that take so long, unless they are stopped."""

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if should_stop():
                return Attempt(unit.id, "stopped", 0.0)
            time.sleep(0.001)
        return commit(view, unit)

    return perform


@pytest.mark.parametrize("units", [1, 3, 6])
def test_a_number_of_units_is_kept_and_the_next_runs_do_the_rest(
    tiny_study, view, tmp_path, units
) -> None:
    done: list[int] = []
    while make_plan(tiny_study, view).missing:
        executor = LocalExecutor(slow(view, 0))
        summary = drive(tiny_study, view, executor, tmp_path / "j", Budget(units=units))
        assert summary.stopped == ("number of units reached" if sum(done) + units < 6 else None)
        done.append(summary.num_done)
    assert sum(done) == 6
    assert max(done) <= units


def test_another_attempt_is_not_another_unit(without_real, view, tmp_path) -> None:
    tried: list[str] = []

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        tried.append(unit.id)
        if len(tried) < 3:
            return Attempt(unit.id, "failed", 0.0, "planted", failure="worker killed")
        return commit(view, unit)

    summary = drive(without_real, view, LocalExecutor(perform), tmp_path / "j", Budget(units=1))
    assert (summary.num_done, len(set(tried)), len(tried)) == (1, 1, 3)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"seconds": 0.4}, "time limit reached"), ({"unit_seconds": 0.2}, "unit hours reached")],
)
def test_a_limit_of_time_stops_the_unit_that_runs(
    tiny_study, view, tmp_path, limits, reason
) -> None:
    started = time.monotonic()
    budget = Budget(**limits)
    executor = LocalExecutor(slow(view, 0.15), budget.is_spent)
    summary = drive(tiny_study, view, executor, tmp_path / "j", budget)
    assert summary.stopped == reason
    assert summary.num_done == 1
    assert time.monotonic() - started < 0.4
    assert len(make_plan(tiny_study, view).missing) == 5
    assert drive(tiny_study, view, LocalExecutor(slow(view, 0)), tmp_path / "j").num_done == 5


@pytest.mark.parametrize(("limit", "grace"), [(10.0, 5.0), (math.inf, 20.0), (3600.0, 20.0)])
def test_what_runs_may_take_as_long_to_stop_as_was_kept_for_it(
    without_real, view, tmp_path, limit, grace
) -> None:
    told: list[float] = []

    class Told(SilentObserver):
        def stopping(self, reason, seconds) -> None:
            told.append(seconds)

    budget = Budget(seconds=limit)
    budget.stop("SIGTERM")
    drive(without_real, view, LocalExecutor(slow(view, 0)), tmp_path / "j", budget, Told())
    assert told == [grace]


def test_work_is_summed_over_the_units_that_run_at_once() -> None:
    budget = Budget(unit_seconds=0.2)
    budget.at_work(4)
    time.sleep(0.06)
    assert budget.reason == "unit hours reached"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_acts(number) -> None:
    asked: list[str] = []
    outside: list[int] = []
    before = signal.signal(number, lambda number, frame: outside.append(number))
    try:
        with first_signal(asked.append):
            signal.raise_signal(number)
            assert (len(asked), outside) == (1, [])
            signal.raise_signal(number)
            assert (len(asked), outside) == (1, [number])
        signal.raise_signal(number)
        assert (len(asked), len(outside)) == (1, 2)
    finally:
        signal.signal(number, before)
