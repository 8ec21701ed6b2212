"""What the driver costs a unit: 200 units that do nothing, with journal and result files on.

    python benchmarks/driver_overhead.py [--units 200] [--executor ray|local]

The peer in the same run is the floor: the same number of fsynced result files and journal lines
written in a plain loop. Prints milliseconds a unit for both, and their ratio.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.study import StudySpec
from rgm_bench.execution.base import Attempt, Executor, ShouldStop, Unit, go_on
from rgm_bench.execution.budget import Budget
from rgm_bench.execution.local import LocalExecutor
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View
from rgm_bench.study_run import Driver, SilentObserver
from rgm_bench.tracking.null import NullTracker


@dataclass(frozen=True)
class NoOp:
    """A unit function that commits an empty outcome."""

    root: str
    training_digest: str
    evaluation_digest: str

    def __call__(self, unit: Unit, should_stop: ShouldStop = go_on) -> Attempt:
        """Commit at once."""
        digest = self.training_digest if unit.kind == "training" else self.evaluation_digest
        store = Store(Path(self.root))
        store.commit(Outcome(unit.kind, unit.id, digest, "ok", None, 0, unit.spec))
        return Attempt(unit.id, "ok", 0.0)


def study_of(units: int) -> StudySpec:
    """A study of about as many units: half trainings, half evaluations."""
    seeds = list(range(units // 8))
    overrides = [f"seeds={seeds}", "axes.fidelity_weight.values=[0, 0.05, 5]"]
    return load_study(
        packaged_studies() / "lambda_sweep.yaml", profile="smoke", overrides=overrides
    )


def drive(study: StudySpec, view: View, executor: Executor, folder: Path) -> tuple[int, float]:
    """Units that ran and the seconds that took, without starting the executor."""
    plan = make_plan(study, view)
    journal = Journal(folder)
    driver = Driver(
        study=study,
        plan=plan,
        view=view,
        executor=executor,
        budget=Budget(),
        journal=journal,
        tracker=NullTracker(),
        observer=SilentObserver(),
    )
    summary = driver.run()
    journal.close()
    return summary.num_ran, summary.seconds


def floor(units: int, folder: Path) -> float:
    """Seconds for the files alone: a result and two journal lines a unit."""
    journal, store = Journal(folder / "journal"), Store(folder)
    started = time.perf_counter()
    for number in range(units):
        journal.append("submitted", unit=str(number))
        store.commit(Outcome("training", f"{number:016x}", "0" * 8, "ok", None, 0, {}))
        journal.append("ok", unit=str(number))
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--executor", choices=["ray", "local"], default="ray")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        view = View(Store(root / "store"))
        perform = NoOp(str(root / "store"), view.digests["training"], view.digests["evaluation"])
        if chosen.executor == "ray":
            from rgm_bench.execution.ray import RayExecutor

            executor: Executor = RayExecutor(perform)
            drive(study_of(16), View(Store(root / "warm")), executor, root / "warm-journal")
        else:
            executor = LocalExecutor(perform)
        num_ran, seconds = drive(study_of(chosen.units), view, executor, root / "journal")
        executor.close()
        alone = floor(num_ran, root / "floor")
    print(f"{num_ran} units with {chosen.executor}: {1e3 * seconds / num_ran:.2f} ms a unit")
    print(f"their files alone: {1e3 * alone / num_ran:.2f} ms a unit; ratio {seconds / alone:.2f}")


if __name__ == "__main__":
    main()
