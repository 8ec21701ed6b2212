"""What random kills cost: SIGKILL of driver, worker or both, again and again, over one study.

    python benchmarks/chaos.py [--kills 10] [--executor ray|local] [--seed 0]

The study has many short trainings and a few long ones. A killed driver is started again with the
same command, and at every third start it dies with half a line of its journal written. When the
study is complete before all kills are dealt, another round begins in an empty store. Then
everything is counted from stores, journals and MLflow, and compared with an undisturbed run. Exit
code 1 if a count that has to be 0 is not.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal, read_journal
from rgm_bench.results.lease import running
from rgm_bench.results.store import Store, View

STUDY = packaged_studies() / "lambda_sweep.yaml"
OVERRIDES = (
    "seeds=[0, 1]",
    "axes={length: {field: training.images, values: [160, 320, 480, 640, 2400]}}",
    "axes.fidelity_weight.values=[0.05]",
    "claims={}",
    "report=[]",
    "training.batch_size=16",
    "training.generator.base_channels=8",
    "evaluations.generation.num_images=64",
    "evaluations.generation.at_images=[0.5, 1.0]",
)
DELAY_SECONDS = 1.0
"""Mean time from the moment a kill is due to the kill, so that it strikes anything."""

PATIENCE_SECONDS = 3600


def command(store: Path, *options: str) -> list[str]:
    settings = [word for setting in OVERRIDES for word in ("--set", setting)]
    return ["run", str(STUDY), "--profile", "smoke", *settings, "--store", str(store), *options]


@dataclass
class Counts:
    """What happened, and what must not have: all but `kills`, `rounds` and `restarts` is 0."""

    kills: Counter[str] = field(default_factory=Counter[str])
    rounds: int = 0
    restarts: int = 0
    units: int = 0
    again: int = 0
    lost: int = 0
    by_hand: list[str] = field(default_factory=list[str])
    different: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether no kill cost anything that was finished."""
        return not (self.again or self.lost or self.by_hand or self.different)

    def show(self) -> None:
        """Print all of it."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.kills.items()))
        print(f"kills: {self.kills.total()} ({kinds})")
        print(f"rounds: {self.rounds}; units: {self.units}; restarts: {self.restarts}")
        print(f"finished units run again: {self.again}")
        print(f"units lost: {self.lost}")
        print(f"states that need a hand: {len(self.by_hand)}")
        for state in self.by_hand:
            print(f"  {state}")
        print(f"units that differ from the undisturbed run in a bit: {self.different}")


class Round:
    """One store from empty to complete, under fire."""

    def __init__(self, store: Path, options: list[str], rng: random.Random, counts: Counts) -> None:
        self.store, self.options, self.rng, self.counts = store, options, rng, counts
        self.log = store.with_suffix(".log")
        self.seen: dict[Path, tuple[int, int]] = {}

    def run(self, kills: int) -> None:
        """Start drivers until the study is complete, with at most so many kills."""
        while True:
            torn = kills > 0 and self.counts.restarts % 3 == 1
            driver = self._start(torn=torn)
            kills -= self._disturb(driver, kills, torn=torn)
            self._look()
            if driver.returncode == 0:
                return
            if driver.returncode != -signal.SIGKILL:
                self.counts.by_hand.append(f"exit code {driver.returncode}, see {self.log}")
                return
            self.counts.restarts += 1

    def _start(self, *, torn: bool) -> subprocess.Popen[bytes]:
        words = command(self.store, *self.options)
        if torn:
            start = [
                sys.executable,
                __file__,
                "--torn-line",
                str(self.rng.randrange(1, 12)),
                *words,
            ]
        else:
            start = [sys.executable, "-m", "rgm_bench", *words]
        with self.log.open("ab") as log:
            return subprocess.Popen(start, stdout=log, stderr=log)

    def _disturb(self, driver: subprocess.Popen[bytes], kills: int, *, torn: bool) -> int:
        """Kill until the driver is dead or there is nothing more to kill; how often that was."""
        dealt = 0
        if torn:
            driver.wait(PATIENCE_SECONDS)
            dealt = int(driver.returncode == -signal.SIGKILL)
            self.counts.kills["driver in the middle of a line"] += dealt
            return dealt
        while dealt < kills and self._await_work(driver, self.rng.randrange(4)):
            time.sleep(self.rng.expovariate(1 / DELAY_SECONDS))
            if driver.poll() is not None:
                break
            dealt += self._kill(driver)
        driver.wait(PATIENCE_SECONDS)
        return dealt

    def _await_work(self, driver: subprocess.Popen[bytes], results: int) -> bool:
        """Wait until something runs and so many more units are finished; False if it all ended.

        Counting results and not seconds spreads kills over a study, however fast the machine is.
        """
        wanted = len(self._results()) + results
        while driver.poll() is None:
            if len(self._results()) >= wanted and running(self.store / "leases"):
                return True
            time.sleep(0.02)
        return False

    def _results(self) -> list[Path]:
        return list(self.store.glob("*/*/*/result.json"))

    def _kill(self, driver: subprocess.Popen[bytes]) -> int:
        workers = [progress.pid for progress in running(self.store / "leases")]
        kind = self.rng.choice(["driver", "worker", "both"])
        if not set(workers) - {driver.pid}:
            kind = "driver"
        victims: list[int] = []
        if kind != "driver":
            victims.append(self.rng.choice(workers))
        if kind != "worker":
            victims.append(driver.pid)
        try:
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:  # it ended just before
            return 0
        self.counts.kills[kind] += 1
        if kind != "worker":
            driver.wait(PATIENCE_SECONDS)
        return 1

    def _look(self) -> None:
        """Results that are there stay what they are: neither gone nor written again."""
        found = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in self._results()}
        for path, identity in self.seen.items():
            if path not in found:
                self.counts.lost += 1
            elif found[path] != identity:
                self.counts.again += 1
        self.seen = found


def count(store: Path, undisturbed: Path, counts: Counts) -> None:
    """Look for all that a kill may have cost."""
    study = load_study(STUDY, profile="smoke", overrides=OVERRIDES)
    plan = make_plan(study, View(Store(store)))
    counts.units += len(plan.units)
    counts.lost += len(plan.missing)
    counts.again += len(computed_after_commit(store)) + len(submitted_after_commit(store))
    counts.different += len(differences(store, undisturbed))
    leases = [path.name for path in store.glob("leases/[!.]*")]  # not the lock of the folder
    counts.by_hand += [f"a lease was left: {name}" for name in leases]
    counts.by_hand += [f"left open in MLflow: {name}" for name in open_runs(store)]
    counts.by_hand += [f"not in MLflow: {number} trials" for number in untracked(store) if number]


def commits(store: Path) -> dict[str, float]:
    """When each unit was finished, by its id, in Unix time."""
    found = store.glob("*/*/*/result.json")
    return {path.parent.parent.name: path.stat().st_mtime for path in found}


def computed_after_commit(store: Path) -> set[str]:
    """Units with a file that is younger than their result."""
    return {
        result.parent.parent.name
        for result in store.glob("*/*/*/result.json")
        for file in result.parent.iterdir()
        if file.name != "log.txt" and file.stat().st_mtime_ns > result.stat().st_mtime_ns
    }


def submitted_after_commit(store: Path) -> set[str]:
    """Units that a driver asked for although they were finished when it started."""
    finished = commits(store)
    again: set[str] = set()
    started = 0.0
    for event in events(store):
        if event["event"] == "started":
            started = event["time"]
        elif event["event"] == "submitted" and finished.get(event["unit"], started) < started:
            again.add(event["unit"])
    return again


def events(store: Path) -> Iterator[dict[str, Any]]:
    for folder in store.glob("studies/*/*/journal"):
        yield from read_journal(folder)


def differences(store: Path, undisturbed: Path) -> set[Path]:
    """Metrics and snapshots that are not the same bits in both stores, or in one only."""

    def results(root: Path) -> dict[Path, object]:
        metrics = {
            path.relative_to(root): json.loads(path.read_text())["metrics"]
            for path in root.glob("evaluations/*/*/result.json")
        }
        weights = {
            path.relative_to(root): path.read_bytes()
            for path in root.glob("trainings/*/*/snapshot-*.safetensors")
        }
        return metrics | weights

    ours, theirs = results(store), results(undisturbed)
    return {path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)}


def open_runs(store: Path) -> list[str]:
    """Names of MLflow runs that nobody works on and that say that somebody does."""
    client, experiments = mlflow_of(store)
    found = client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=50_000)
    return [run.info.run_name for run in found]


def untracked(store: Path) -> list[int]:
    """How many evaluations of the store no MLflow run holds."""
    client, experiments = mlflow_of(store)
    runs = client.search_runs(experiments, max_results=50_000)
    held = {unit for run in runs for unit in run.data.tags.get("rgm.units", "").split()}
    there = {
        "/".join(["evaluation", *path.parts[-3:-1]])
        for path in store.glob("evaluations/*/*/result.json")
    }
    return [len(there - held)]


def mlflow_of(store: Path) -> tuple[Any, list[str]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{store / 'mlflow.db'}")
    return client, [found.experiment_id for found in client.search_experiments()]


def run_with_torn_line(line: int, words: list[str]) -> None:
    """Be the driver that dies when it has written half of a line, the `line`th, of its journal."""
    from rgm_bench.cli import main

    whole = Journal._write  # pyright: ignore[reportPrivateUsage]
    lines = iter(range(1, sys.maxsize))

    def write(self: Journal, content: bytes) -> None:
        if next(lines) == line:
            whole(self, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        whole(self, content)

    Journal._write = write  # pyright: ignore[reportPrivateUsage]
    sys.argv = ["rgm-bench", *words]
    main()


def main() -> None:
    """Kill, count, print."""
    if sys.argv[1:2] == ["--torn-line"]:
        run_with_torn_line(int(sys.argv[2]), sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--executor", choices=["ray", "local"], default="ray")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    rng, counts = random.Random(chosen.seed), Counts()
    root = Path(tempfile.mkdtemp(prefix="chaos-"))
    undisturbed = root / "undisturbed"
    local = command(undisturbed, "--executor", "local")
    with (root / "undisturbed.log").open("wb") as log:
        done = subprocess.run([sys.executable, "-m", "rgm_bench", *local], stdout=log, stderr=log)
    if done.returncode:
        raise SystemExit(f"the undisturbed run failed; see {root / 'undisturbed.log'}")
    while counts.kills.total() < chosen.kills and not counts.by_hand:
        store = root / f"round-{counts.rounds}"
        one = Round(store, ["--executor", chosen.executor], rng, counts)
        one.run(chosen.kills - counts.kills.total())
        counts.rounds += 1
        count(store, undisturbed, counts)
        print(f"round {counts.rounds}: {counts.kills.total()} kills so far", flush=True)
    counts.show()
    print(f"stores and logs: {root}")
    sys.exit(not counts.is_clean)


if __name__ == "__main__":
    main()
