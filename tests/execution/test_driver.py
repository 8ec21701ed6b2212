"""The driver, with executors whose units do nothing or go wrong on purpose."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rgm_bench.execution.base import Attempt, Executor, Unit
from rgm_bench.execution.local import LocalExecutor
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal, read_journal
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View
from rgm_bench.study_run import Driver, SilentObserver, Summary
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


def drive(study, view: View, executor: Executor, folder: Path) -> Summary:
    journal = Journal(folder)
    driver = Driver(
        study=study,
        plan=make_plan(study, view),
        view=view,
        executor=executor,
        journal=journal,
        tracker=NullTracker(),
        observer=SilentObserver(),
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

    def perform(unit: Unit) -> Attempt:
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
    def perform(unit: Unit) -> Attempt:
        if unit.kind == "training" and unit.spec["method"]["fidelity_weight"] == 0:
            return Attempt(unit.id, "failed", 0.0, "planted")
        return commit(view, unit)

    summary = drive(tiny_study, view, LocalExecutor(perform), tmp_path / "j")
    assert list(summary.failed.values()) == ["planted"]
    assert len(summary.blocked) == 1
    assert summary.num_done == 4
    reasons = [e.get("reason") for e in read_journal(tmp_path / "j") if e["event"] == "failed"]
    assert reasons == ["planted"]


@pytest.mark.parametrize(("deaths", "fails"), [(0, False), (2, False), (3, True)])
def test_a_unit_whose_worker_dies_is_tried_three_times(
    without_real, view, tmp_path, deaths, fails
) -> None:
    died: dict[str, int] = {}

    def perform(unit: Unit) -> Attempt:
        died[unit.id] = died.get(unit.id, 0) + 1
        if unit.kind == "training" and died[unit.id] <= deaths:
            return Attempt(unit.id, "lost", 0.0, "its worker died")
        return commit(view, unit)

    summary = drive(without_real, view, LocalExecutor(perform), tmp_path / "j")
    assert len(summary.failed) == (2 if fails else 0)
    assert summary.num_done == (0 if fails else 4)
    if fails:
        assert "3 times in a row" in next(iter(summary.failed.values()))


def test_a_busy_unit_is_asked_for_again(without_real, view, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("rgm_bench.study_run.BUSY_SECONDS", 0.01)
    asked: dict[str, int] = {}

    def perform(unit: Unit) -> Attempt:
        asked[unit.id] = asked.get(unit.id, 0) + 1
        return Attempt(unit.id, "busy", 0.0) if asked[unit.id] < 5 else commit(view, unit)

    assert drive(without_real, view, LocalExecutor(perform), tmp_path / "j").num_done == 4
    assert set(asked.values()) == {5}


class Overlapping(Executor):
    """Ends units in the reverse order of their submission, and records how many were out."""

    def __init__(self, perform: Callable[[Unit], Attempt], slots: int) -> None:
        self.perform, self.slots = perform, slots
        self.out: list[Unit] = []
        self.most = 0

    def submit(self, unit: Unit) -> None:
        self.out.append(unit)
        self.most = max(self.most, len(self.out))

    def wait(self, seconds: float) -> list[Attempt]:
        return [self.perform(self.out.pop())]

    def close(self) -> None:
        self.out.clear()


def test_the_order_in_which_units_end_changes_nothing(tiny_study, view, tmp_path) -> None:
    executor = Overlapping(lambda unit: commit(view, unit), slots=1)
    assert drive(tiny_study, view, executor, tmp_path / "j").num_done == 6
    assert executor.most == 3  # what runs, and two submitted ahead


def test_an_interruption_leaves_what_is_finished(tiny_study, view, tmp_path) -> None:
    done: list[str] = []

    def perform(unit: Unit) -> Attempt:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(unit.id)
        return commit(view, unit)

    with pytest.raises(KeyboardInterrupt):
        drive(tiny_study, view, LocalExecutor(perform), tmp_path / "j")
    missing = make_plan(tiny_study, view).missing
    assert len(missing) == 3
    assert not {planned.unit.id for planned in missing} & set(done)
