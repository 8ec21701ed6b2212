"""What a study of 10,000 units costs: seconds of plan, status, run and report, and peak memory.

    python benchmarks/scale.py [--units 10000] [--executor ray|local] [--repeat 3]

Its units do nothing but commit a result; the store is a temporary folder, below --folder if given.
Commands run in processes of their own, so their seconds have the imports in them; the best of
--repeat counts. Peers in the same run: `rgm-bench --help` and reading the same result files in a
plain loop for the commands, and writing files for the run.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from no_op import STUDY, NoOp, drive, files_alone, overrides_for, study_of

from rgm_bench.execution.base import Executor
from rgm_bench.execution.local import LocalExecutor
from rgm_bench.results.store import Store, View

FLOOR_UNITS = 1000
MEBIBYTE = 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--executor", choices=["ray", "local"], default="ray")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to make the store; default: /tmp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        _measure(root, options.units, options.executor, options.repeat)


def _measure(root: Path, units: int, executor: str, repeat: int) -> None:
    options = _options(units, root / "store")
    start_up = _best(repeat, lambda: _command(["--help"]))
    (root / "store").mkdir()
    _say(
        "plan, empty store", _best(repeat, lambda: _command(["plan", *options])), start_up, "--help"
    )
    num_ran, seconds, peak_bytes = _run(root / "store", units, executor)
    alone = files_alone(FLOOR_UNITS, root / "floor") / FLOOR_UNITS * num_ran
    _say(f"run of {num_ran} units, {executor}", seconds, alone, "writing their files")
    print(f"driver: {peak_bytes / MEBIBYTE:.0f} MiB at most")
    reading = _best(repeat, lambda: _read_all(root / "store"))
    print(f"reading all result files in a loop: {reading:.2f} s")
    for command in ("plan", "status", "report"):
        best = _best(repeat, lambda command=command: _command([command, *options]))
        _say(f"{command}, all done", best, start_up + reading, "--help and reading")


def _options(units: int, store: Path) -> list[str]:
    overrides = [text for each in overrides_for(units) for text in ("--set", each)]
    return [str(STUDY), "--profile", "smoke", "--store", str(store), *overrides]


def _command(arguments: Sequence[str]) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "rgm_bench", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _run(store: Path, units: int, executor: str) -> tuple[int, float, int]:
    """Units that ran, seconds of the driver, and the most memory of its process in bytes."""
    view, study = View(Store(store)), study_of(units)
    perform = NoOp(str(store), view.digests)
    if executor == "ray":
        from rgm_bench.execution.ray import RayExecutor

        pool: Executor = RayExecutor(perform)
    else:
        pool = LocalExecutor(perform)
    num_ran, seconds = drive(study, view, pool)
    pool.close()
    return num_ran, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _read_all(store: Path) -> float:
    started = time.perf_counter()
    for path in store.glob("*/*/*/result.json"):
        json.loads(path.read_bytes())
    return time.perf_counter() - started


def _best(repeat: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(repeat))


def _say(what: str, seconds: float, peer: float, named: str) -> None:
    print(f"{what}: {seconds:.2f} s; {named}: {peer:.2f} s; ratio {seconds / peer:.2f}", flush=True)


if __name__ == "__main__":
    main()
