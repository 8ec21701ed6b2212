"""A whole search from the command line: what it prints, and that no kill changes what it finds."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.process

SHIPPED = Path(__file__).parents[2] / "studies" / "search_lambda_schedule.yaml"
COMMAND = [sys.executable, "-m", "rgm_bench", "run", str(SHIPPED), "--profile", "smoke"]


def run(store: Path, *options: str) -> str:
    done = subprocess.run(
        [*COMMAND, "--store", str(store), *options], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def found(store: Path) -> pd.DataFrame:
    """The best trials with the digits that every number has."""
    return pd.read_csv(store / "studies/search_lambda_schedule/smoke/tables/best_trials.csv")


def metrics(store: Path) -> dict[str, object]:
    results = store.glob("evaluations/*/*/result.json")
    return {path.parent.parent.name: json.loads(path.read_text())["metrics"] for path in results}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("undisturbed")
    said = run(store, "--executor", "local")
    assert "6 of 6 trials" in said
    assert "is the result of the search" in said
    return store


def test_a_search_that_is_complete_runs_nothing_more(undisturbed: Path):
    before = found(undisturbed)
    assert "0 to run" in run(undisturbed, "--executor", "local")
    pd.testing.assert_frame_equal(found(undisturbed), before)
    figures = {path.name for path in undisturbed.glob("studies/*/smoke/figures/*.png")}
    assert {"search_history.png", "search_slices.png"} <= figures


def test_a_killed_search_on_two_workers_finds_the_same(undisturbed: Path, tmp_path: Path):
    driver = subprocess.Popen(
        [*COMMAND, "--store", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    until = time.monotonic() + 300
    while len(metrics(tmp_path)) < 3 and time.monotonic() < until:
        time.sleep(0.2)
    driver.kill()
    driver.wait()
    assert len(metrics(tmp_path)) < len(metrics(undisturbed))
    run(tmp_path, "--workers", "2")
    pd.testing.assert_frame_equal(found(tmp_path), found(undisturbed))
    assert metrics(tmp_path) == metrics(undisturbed)


def test_pruned_trials_go_on_from_their_checkpoints_without_the_pruner(tmp_path: Path):
    store, options = tmp_path / "store", ["--executor", "local"]
    for override in ("sampler={kind: random}", "lag=0", "trials=4", "confirm=null"):
        options += ["--set", f"search.{override}"]
    run(store, *options)
    begun = {path: json.loads(path.read_text()) for path in store.glob("trainings/*/*/result.json")}
    parts = {path: made["images"] for path, made in begun.items() if made["images"] < 256}
    assert parts
    overrides = [word for word in options if word not in ("--executor", "local")]
    status = subprocess.run(
        [*COMMAND[:3], "status", *COMMAND[4:], "--store", str(store), *overrides],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    assert re.search(r"go on with pruned trials: .*--set search.pruner=null\n", status)
    run(store, *options, "--set", "search.pruner=null")
    for path, images in parts.items():
        assert json.loads(path.read_text())["images"] == 256
        assert f"{images} images are done of 256" in path.with_name("log.txt").read_text()
    whole = [path for path, made in begun.items() if path not in parts]
    assert all(json.loads(path.read_text()) == begun[path] for path in whole)


def test_a_published_search_is_drawn_again_from_its_trials(undisturbed: Path, tmp_path: Path):
    def call(*words: str | Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "rgm_bench", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    call("publish", SHIPPED, "--profile", "smoke", "--store", undisturbed, "--to", tmp_path)
    folder = tmp_path / "search_lambda_schedule/smoke"
    (folder / "tables/best_trials.csv").unlink()
    call("report", folder)
    pd.testing.assert_frame_equal(
        pd.read_csv(folder / "tables/best_trials.csv"), found(undisturbed)
    )


def test_a_front_has_the_best_images_at_each_cost(tmp_path: Path):
    small = (
        "training={images: 256, batch_size: 16, ema: {decay: 0.3}}",
        "evaluations.generation.num_images=64",
        "search.trials=8",
        "search.sampler.population=4",
        "search.confirm={top: 2, seeds: [100]}",
    )
    options = [word for override in small for word in ("--set", override)]
    said = run(tmp_path, "--profile", "pareto", "--executor", "local", *options)
    assert "8 of 8 trials" in said
    (folder,) = tmp_path.glob("studies/search_lambda_schedule/pareto")
    assert (folder / "figures/search_front.png").is_file()
    table = pd.read_csv(folder / "tables/best_trials.csv")
    points = table[["generation.fid", "generation.nfe"]].to_numpy()
    front = [
        trial
        for trial, point in zip(table["trial"], points, strict=True)
        if not any((other <= point).all() and (other != point).any() for other in points)
    ]
    confirmed = [name for name in table if name.startswith("fid.")]
    chosen = table[table[confirmed].notna().any(axis=1)]
    assert {*chosen["trial"]} <= {*front}
    assert len(chosen) == min(2, len(front))
    assert chosen["generation.fid"].min() == points[:, 0].min()
    cheapest = table[table["trial"].isin(front)]["generation.nfe"].min()
    assert chosen["generation.nfe"].min() == cheapest
