"""A study of five tiny trainings, and the command that checks it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

STUDY = """
grammar: 1
name: tiny
title: Points for a gate
base:
  training: {preset: rgm_points, images: 1280, batch_size: 64, ema: {decay: 0.8}}
  evaluations:
    generation:
      kind: points
      sampler: {kind: restoration}
      num_points: 200
seeds: [0, 1, 2, 3, 4]
gate: {metrics: [w2]}
profiles: {smoke: {}, laptop: {}}
"""

ROOT = Path(__file__).parents[2]
BASELINE = Path("results/baselines/tiny-smoke.json")


def command(
    *words: str | Path,
    cwd: Path,
    expected: int = 0,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """`rgm-bench` with these words, in a process of its own."""
    known = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    done = subprocess.run(
        [sys.executable, "-m", "rgm_bench", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        env={**known, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def check_study(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return command(
        "check", "studies/tiny.yaml", "--profile", "smoke", "--executor", "local", *words, **options
    )


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study, its results and its baseline."""
    folder = tmp_path_factory.mktemp("gated")
    (folder / "studies").mkdir()
    (folder / "studies" / "tiny.yaml").write_text(STUDY)
    done = check_study("--update", cwd=folder)
    assert "15 to run with this code" in done.stdout
    assert "new, mean" in done.stdout
    return folder


@pytest.fixture
def edited(gated: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Writes a copy of the baseline with an edit."""

    def edit(change: Callable[[dict[str, Any]], None]) -> Path:
        baseline = json.loads((gated / BASELINE).read_text())
        change(baseline)
        path = tmp_path / "edited.json"
        path.write_text(json.dumps(baseline))
        return path

    return edit
