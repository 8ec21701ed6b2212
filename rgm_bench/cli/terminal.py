"""Progress of a run: bars on a terminal, a line for each finished unit elsewhere."""

import sys
import threading
import time
from contextlib import suppress
from typing import final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from rgm_bench.cli.counts import counted
from rgm_bench.cli.durations import in_words
from rgm_bench.errors import StoreError
from rgm_bench.execution.base import Attempt
from rgm_bench.execution.budget import StopReason
from rgm_bench.plan import Plan, PlannedUnit
from rgm_bench.results.store import Store
from rgm_bench.study_run import Observer

POLLS = 2
"""How often leases are read while they are written once."""


@final
class TerminalObserver(Observer):
    """Shows how far a run is, reading the leases that its workers keep up to date.

    Args:
        store: that has the leases.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._console = Console(stderr=True)
        self._stopped = threading.Event()
        self._units: dict[str, PlannedUnit] = {}
        self._done: set[str] = set()
        self._started = time.monotonic()
        self._bars = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}"),
            console=self._console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def begin(self, plan: Plan, slots: int) -> None:
        """Start to show the missing units of `plan`."""
        self._units = {planned.unit.id: planned for planned in plan.missing}
        self._started = time.monotonic()
        self._overall = self._bars.add_task(counted(len(self._units), "unit"), total=1.0, note="")
        if self._console.is_terminal:
            self._bars.start()
            self._thread.start()
        else:
            print(f"running {counted(len(self._units), 'unit')}, {slots} at once", file=sys.stderr)

    def grew(self, plan: Plan) -> None:
        """Count the units that a search has come to."""
        self._units |= {planned.unit.id: planned for planned in plan.missing}
        self._done -= {planned.unit.id for planned in plan.missing}  # trainings done in part
        if self._console.is_terminal:
            self._bars.update(self._overall, description=counted(len(self._units), "unit"))

    def ended(self, planned: PlannedUnit, attempt: Attempt, *, again: bool) -> None:
        """Count a unit, and say so if it went wrong or there is no terminal."""
        if not again:
            self._done.add(planned.unit.id)
        how = ": ".join(filter(None, (attempt.failure, attempt.reason)))
        line = (
            f"[{len(self._done)}/{len(self._units)}] {planned.unit.kind} {planned.label}: "
            f"{attempt.ending}{f' ({how})' if how else ''}, "
            f"{attempt.seconds:.1f} s{self._time_left()}"
        )
        if not self._console.is_terminal or attempt.ending not in ("ok", "found"):
            self._say(line)

    def stopping(self, reason: StopReason, seconds: float) -> None:
        """Say that the end may take a while, and why."""
        hint = "; once more to stop at once" if reason in ("Ctrl-C", "SIGTERM") else ""
        self._say(f"{reason}: what runs is saved, within {seconds:.0f} s{hint}")

    def _say(self, line: str) -> None:
        if self._console.is_terminal:
            self._bars.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Take the bars away."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._bars.stop()

    def _fraction(self, partly: dict[str, float] | None = None) -> float:
        total = sum(planned.work for planned in self._units.values())
        done = sum(self._units[unit].work for unit in self._done)
        started = sum(self._units[unit].work * part for unit, part in (partly or {}).items())
        return (done + started) / total if total else 1.0

    def _time_left(self, partly: dict[str, float] | None = None) -> str:
        fraction = self._fraction(partly)
        if not 0.01 < fraction < 1:
            return ""
        seconds = (time.monotonic() - self._started) * (1 - fraction) / fraction
        return f", about {in_words(seconds)} left"

    def _watch(self) -> None:
        while not self._stopped.wait(self._store.heartbeat_seconds / POLLS):
            with suppress(StoreError):  # the bars stand still, and the run says what is wrong
                self._show()

    def _show(self) -> None:
        at_work = {p.id: p for p in self._store.running() if p.id in self._units}
        partly = {
            unit: progress.images_seen / progress.images
            for unit, progress in at_work.items()
            if progress.images and unit not in self._done
        }
        note = f"{len(self._done)} done{self._time_left(partly)}"
        self._bars.update(self._overall, completed=self._fraction(partly), note=note)
        for unit in self._tasks.keys() - at_work.keys():
            self._bars.remove_task(self._tasks.pop(unit))
        for unit, progress in at_work.items():
            if unit not in self._tasks:
                label = f"  {progress.kind} {self._units[unit].label}"
                self._tasks[unit] = self._bars.add_task(label, total=1.0, note="")
            self._bars.update(
                self._tasks[unit],
                completed=partly.get(unit, 0.0),
                note=f"{progress.images_per_second:,.0f} images/s",
            )
