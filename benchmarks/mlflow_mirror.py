"""Mirroring results into MLflow on sqlite: 1000 runs, and once more with nothing to add.

    python benchmarks/mlflow_mirror.py [--runs 1000] [--folder FOLDER]

The peer in the same run is MLflow's own floor: as many runs, each created, given two numbers in one
batch and ended. Prints seconds and the ratio.
"""

import argparse
import logging
import os
import tempfile
import time
from pathlib import Path

from no_op import made_up, study_of

from rgm_bench.plan import make_plan
from rgm_bench.results.store import Store, View
from rgm_bench.tracking.mlflow import MlflowTracker

RUNS_A_SEED = 5
"""Three weights, and real images of two splits."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="where to make the store; default: /tmp")
    options = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        study, view = study_of(8 * options.runs // RUNS_A_SEED), View(Store(root / "store"))
        for planned in make_plan(study, view).units:
            view.store.commit(made_up(planned.unit, view.digests[planned.unit.kind]))
        view.store.claim_study_folder(study)
        written, first = _mirror(study, view)
        again, second = _mirror(study, view)
        alone = _floor(root / "floor", written)
    print(f"{written} runs mirrored: {first:.1f} s; MLflow alone: {alone:.1f} s; ", end="")
    print(f"ratio {first / alone:.2f}")
    print(f"mirrored again: {again} runs added in {second:.1f} s")


def _mirror(study, view: View) -> tuple[int, float]:
    tracker = MlflowTracker(view.store.root, command=["benchmark"])
    tracker._client().search_experiments()  # a new database gets its tables, which takes seconds
    started = time.perf_counter()
    tracker.record(study, view)
    tracker.close("finished")
    return tracker.num_written, time.perf_counter() - started


def _floor(root: Path, runs: int) -> float:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    logging.getLogger("alembic").setLevel(logging.ERROR)
    root.mkdir()
    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    experiment = client.create_experiment("floor", (root / "artifacts").as_uri())
    started = time.perf_counter()
    for number in range(runs):
        run = client.create_run(experiment).info.run_id
        client.log_batch(run, [Metric(name, number, 0, 0) for name in ("fid", "kid")])
        client.set_terminated(run)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
