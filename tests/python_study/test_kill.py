"""On Ray, killed in the middle."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rgm_bench.python_study import load_python_study
from tests.python_study.given import WriteStudy


def metrics(store: Path) -> dict[str, dict[str, float]]:
    found = sorted(store.glob("evaluations/*/*/result.json"))
    return {path.parent.parent.name: json.loads(path.read_text())["metrics"] for path in found}


def finished(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.glob("*/*/*/result.json")}


def command(store: str, *options: str) -> list[str]:
    words = ("rgm_bench", "run", "mine.py", "--profile", "smoke", "--store", store, *options)
    return [sys.executable, "-m", *words]


@pytest.fixture
def killed(write: WriteStudy) -> Path:
    """A store whose driver was killed while Ray workers trained the user's own arm."""
    study = load_python_study(write(), profile="smoke")
    (ours,) = {t.training_id for t in study.trials if t.labels.get("arm") == "tv"}
    process = subprocess.Popen(
        command("store", "--workers", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 240
    while not list(Path("store").glob(f"trainings/{ours}/*/checkpoint.safetensors")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert not list(Path("store").glob(f"trainings/{ours}/*/result.json"))
    return Path("store")


@pytest.mark.process
def test_it_trains_on_ray_and_survives_a_kill(killed: Path) -> None:
    before = finished(killed)
    done = subprocess.run(
        command("store", "--workers", "2"), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    after = finished(killed)
    assert {path: after[path] for path in before} == before
    assert len(after) == 6  # 2 trainings, an evaluation each, 2 of real images

    undisturbed = subprocess.run(
        command("undisturbed", "--executor", "local"), capture_output=True, text=True, timeout=300
    )
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert metrics(killed) == metrics(Path("undisturbed"))

    assert any(line.startswith("| tv ") for line in done.stdout.splitlines())
    report = killed / "studies" / "mine" / "smoke"
    (claim,) = json.loads((report / "claims.json").read_text())["claims"]
    assert claim["verdict"]["num_seeds"] == [["tv", 1], ["alone", 1]]
    assert claim["verdict"]["effect"] > 0
    assert "FID: tv is better than alone" in done.stdout
