"""A study of five tiny trainings, and the command that checks it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from rgm_bench.cli.app import main

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

GENERATE = """
import sys
from pathlib import Path

import numpy as np
from PIL import Image

NOISE = 40


def sample(seed, num_images):
    digits = np.load(Path(__file__).with_name("digits.npy"))
    rng = np.random.default_rng(seed)
    chosen = digits[rng.integers(len(digits), size=num_images)]
    noisy = chosen + NOISE * rng.normal(size=chosen.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    seed, folder = sys.argv[1:]
    if seed == "4" and Path("fail").exists():
        sys.exit("no checkpoint of seed 4")
    for number, image in enumerate(sample(int(seed), 100)):
        Image.fromarray(image).save(Path(folder) / f"{number}.png")
"""

OPTIONS = ["--reference", "digits:test", "--name", "mine"]
BY_COMMAND = ["--arm-command", f"'{sys.executable}' gen.py {{seed}} {{dir}}", *OPTIONS]

ROOT = Path(__file__).parents[2]
SUMMARY = "GITHUB_STEP_SUMMARY"
BASELINE = Path("results/baselines/tiny-smoke.json")


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


def command(
    *words: str | Path,
    cwd: Path,
    expected: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """`rgm-bench` with these words, in a process of its own."""
    known = {name: value for name, value in os.environ.items() if name != SUMMARY}
    done = subprocess.run(
        [sys.executable, "-m", "rgm_bench", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        env={**known, "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    return _expected(Done(done.stdout, done.stderr), done.returncode, expected)


def quick(*words: str | Path, cwd: Path, expected: int = 0) -> Done:
    """The same in this process, where everything has been imported before."""
    handler = signal.getsignal(signal.SIGTERM)
    printed, complained = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.delenv(SUMMARY, raising=False)
        patch.setattr(sys, "argv", ["rgm-bench", *map(str, words)])
        with (
            redirect_stdout(printed),
            redirect_stderr(complained),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    signal.signal(signal.SIGTERM, handler)
    done = Done(printed.getvalue(), complained.getvalue())
    assert isinstance(ended.value.code, int)
    return _expected(done, ended.value.code, expected)


def _expected(done: Done, code: int, expected: int) -> Done:
    assert code == expected, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


OF_THE_STUDY = ["check", "studies/tiny.yaml", "--profile", "smoke", "--executor", "local"]


def check_study(*words: str | Path, **options: Any) -> Done:
    return quick(*OF_THE_STUDY, *words, **options)


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study, its results and its baseline."""
    folder = tmp_path_factory.mktemp("gated")
    (folder / "studies").mkdir()
    (folder / "studies" / "tiny.yaml").write_text(STUDY)
    done = command(*OF_THE_STUDY, "--update", cwd=folder)
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


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generator, and the baseline of it."""
    folder = tmp_path_factory.mktemp("model")
    digits = load_digits().images * 255 / 16
    np.save(folder / "digits.npy", digits.astype(np.uint8))
    (folder / "gen.py").write_text(GENERATE)
    done = quick("check", *BY_COMMAND, "--update", cwd=folder)
    assert "fid.digits_cnn_v1.n100: new, mean" in done.stdout
    return folder


def plant(package: Path) -> None:
    """Give the fidelity of a copy of the package a quarter more weight than it says."""
    file = package / "objectives.py"
    right = "prior + self.fidelity_weight * fidelity"
    text = file.read_text()
    assert text.count(right) == 1
    file.write_text(text.replace(right, "prior + 1.25 * self.fidelity_weight * fidelity"))


def copy_of_the_package(folder: Path) -> Path:
    return shutil.copytree(
        ROOT / "rgm_bench", folder / "rgm_bench", ignore=shutil.ignore_patterns("__pycache__")
    )
