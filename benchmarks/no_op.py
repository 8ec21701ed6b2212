"""Studies of any size whose units do nothing, for the benchmarks beside this file."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.study import StudySpec
from rgm_bench.execution.base import Attempt, Executor, ShouldStop, Unit, go_on
from rgm_bench.execution.budget import Budget
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal
from rgm_bench.results.lease import Lease
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.results.store import Store, View
from rgm_bench.session import grow_search, open_search
from rgm_bench.study_run import Driver, SilentObserver
from rgm_bench.tracking.base import Tracker
from rgm_bench.tracking.null import NullTracker

PROVENANCE = {"host": "nowhere", "device": "cpu", "device_name": "none", "threads": 1, "cpus": 1}
STUDY = packaged_studies() / "lambda_sweep.yaml"
SEARCH = packaged_studies() / "search_lambda_schedule.yaml"
UNITS_A_SEED = 8
"""Three weights, each a training and an evaluation, and real images of two splits."""


@dataclass(frozen=True)
class NoOp:
    """Carries out a unit as a worker does, lease and commit, but for the work itself.

    Args:
        root: folder of the store.
        digests: of the code, for each kind of unit.
    """

    root: str
    digests: dict[UnitKind, str]

    def __call__(self, unit: Unit, should_stop: ShouldStop = go_on) -> Attempt:
        """Commit an outcome with made-up scores."""
        started = time.perf_counter()
        store = Store(Path(self.root))
        lease = Lease.acquire(store.root / "leases", unit.kind, unit.id)
        if lease is None:
            return Attempt(unit.id, "busy", time.perf_counter() - started)
        with lease:
            store.commit(made_up(unit, self.digests[unit.kind]))
        return Attempt(unit.id, "ok", time.perf_counter() - started)


def made_up(unit: Unit, digest: str) -> Outcome:
    """A finished outcome whose scores follow from the id of its unit."""
    cost = {"seconds": 1.0, "images_per_second": 1.0, "flops": 1.0, "peak_memory_bytes": 1.0}
    scores = dict(_scores(unit)) if unit.kind == "evaluation" else {}
    cost |= {"nfe": 4.0} if unit.kind == "evaluation" else {"parameters_generator": 1.0}
    return Outcome(unit.kind, unit.id, digest, "ok", None, 640, unit.spec, scores, cost, PROVENANCE)


def _scores(unit: Unit) -> Iterator[tuple[str, float]]:
    measure: dict[str, Any] = unit.spec["measure"]
    place = f"{measure['reference']['extractor']}.n{measure['num_images']}"
    chance = int(unit.id, 16) / 16**16
    yield f"fid.{place}", 10 + chance
    yield f"inception_score.{place}", 9 - chance
    yield f"kid.{place}", 0.01 * chance


def overrides_for(units: int) -> list[str]:
    """What makes the smoke profile of the shipped sweep one of about as many units."""
    return [f"seeds={list(range(units // UNITS_A_SEED))}"]


def study_of(units: int) -> StudySpec:
    """A study of about as many units."""
    return load_study(STUDY, profile="smoke", overrides=overrides_for(units))


def search_of(units: int) -> StudySpec:
    """A search by TPE of about as many units: a training and an evaluation for each trial."""
    changes = [f"search.trials={units // 2}", "search.pruner=null", "search.confirm=null"]
    return load_study(SEARCH, profile="smoke", overrides=changes)


def drive(
    study: StudySpec, view: View, executor: Executor, tracker: Tracker | None = None
) -> tuple[int, float]:
    """Units that ran and the seconds that took, without starting the executor."""
    search = open_search(study, view)
    study = search.study if search else study
    plan = make_plan(study, view)
    journal = Journal(view.store.claim_study_folder(study) / "journal")
    driver = Driver(
        study=study,
        plan=plan,
        view=view,
        executor=executor,
        budget=Budget(),
        journal=journal,
        tracker=tracker or NullTracker(),
        observer=SilentObserver(),
        grow=partial(grow_search, search, view) if search else None,
    )
    summary = driver.run()
    journal.close()
    return summary.num_ran, summary.seconds


def files_alone(units: int, folder: Path) -> float:
    """Seconds for the files that units leave: a result, and two lines of a journal."""
    journal, store = Journal(folder / "journal"), Store(folder)
    spec: dict[str, Any] = {}
    started = time.perf_counter()
    for number in range(units):
        journal.append("submitted", unit=str(number))
        store.commit(Outcome("training", f"{number:016x}", "0" * 8, "ok", None, 0, spec))
        journal.append("ok", unit=str(number))
    seconds = time.perf_counter() - started
    journal.close()
    return seconds
