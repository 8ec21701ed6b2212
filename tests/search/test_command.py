"""A whole search from the command line: what it prints, and that no kill changes what it finds."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

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
