"""What a unit costs beyond its work: 1000 units that do nothing, with journal and results on.

    python benchmarks/overhead.py [--units 1000] [--workers 2] [--folder F]

Peers in the same run, each with as many trials that do nothing: Ray Tune with reused actors and as
many at once, Ray Tune as it is by default (a new actor a trial: --default-trials of them, as it
takes seconds for each), and a plain Optuna loop in memory, which keeps nothing and runs nothing in
parallel. Also the floor: the files alone. Prints milliseconds a unit and ratios.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TUNE_DISABLE_STRICT_METRIC_CHECKING", "1")

from no_op import NoOp, drive, files_alone, search_of, study_of

from rgm_bench.config.study import StudySpec
from rgm_bench.execution.ray import RayExecutor
from rgm_bench.results.store import Store, View


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2, help="units at once, of ours and Tune's")
    parser.add_argument("--default-trials", type=int, default=20, help="0 leaves default Tune out")
    parser.add_argument("--search", type=int, default=500, help="units of a search; 0: none")
    parser.add_argument("--folder", type=Path, help="where to make the store; default: /tmp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        num, ours = _ours(root / "grid", study_of(options.units), options.workers)
        _say("rgm-bench, Ray", num, ours, ours)
        alone = files_alone(num, root / "floor") / num
        _say("their files alone", num, alone, ours)
        if options.search:
            found, searching = _ours(root / "tpe", search_of(options.search), options.workers)
            _say("rgm-bench, Ray, TPE", found, searching, ours)
        _say("Optuna in memory", num, _optuna(num), ours)
        reused = _tune(root / "reused", num, options.workers, reuse=True)
        _say("Ray Tune, reused actors", num, reused, ours)
        if few := options.default_trials:
            default = _tune(root / "default", few, options.workers, reuse=False)
            _say("Ray Tune, default", few, default, ours)


def _ours(root: Path, study: StudySpec, workers: int) -> tuple[int, float]:
    """Units that ran, and seconds for each once the workers are warm."""
    view, warm = View(Store(root / "store")), View(Store(root / "warm"))
    perform = NoOp(str(root / "store"), view.digests)
    executor = RayExecutor(perform, workers=workers)
    drive(study_of(16), warm, executor)
    for path in (root / "store").glob("*/*/*/result.json"):
        path.unlink()  # what the warm workers have done is part of the study
    num, seconds = drive(study, view, executor)
    executor.close()
    return num, seconds / num


def _optuna(trials: int) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # its grid sampler looks at all earlier trials for each new one: minutes for a thousand
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_int("x", 0, trials - 1)

    started = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return (time.perf_counter() - started) / trials


def _nothing(config: dict[str, Any]) -> dict[str, float]:
    return {"fid": float(config["x"])}


def _tune(folder: Path, trials: int, workers: int, *, reuse: bool) -> float:
    import ray
    from ray import tune

    ray.init("local", num_cpus=workers, include_dashboard=False, logging_level="ERROR")
    tuner = tune.Tuner(
        _nothing,
        param_space={"x": tune.grid_search(list(range(trials)))},
        tune_config=tune.TuneConfig(reuse_actors=reuse, max_concurrent_trials=workers),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    )
    started = time.perf_counter()
    tuner.fit()
    seconds = time.perf_counter() - started
    ray.shutdown()
    return seconds / trials


def _say(what: str, trials: int, seconds: float, ours: float) -> None:
    text = f"{what}: {1e3 * seconds:.2f} ms a unit ({trials} units)"
    print(f"{text}; {seconds / ours:.2f} of ours", flush=True)


if __name__ == "__main__":
    main()
