"""Any model as the arm of a gate: a command, folders, and the pytest fixture."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.gate.conftest import BY_COMMAND, OPTIONS, ROOT, quick


@pytest.fixture
def noisier(model: Path):
    text = (model / "gen.py").read_text()
    (model / "gen.py").write_text(text.replace("NOISE = 40", "NOISE = 80"))
    yield
    (model / "gen.py").write_text(text)


@pytest.mark.usefixtures("noisier")
def test_a_command_that_got_worse(model) -> None:
    assert "REGRESSION" in quick("check", *BY_COMMAND, cwd=model, expected=1).stdout


def test_folders_of_images_are_the_same_arm_as_the_command_that_wrote_them(model) -> None:
    for seed in range(5):
        folder = model / "samples" / str(seed)
        folder.mkdir(parents=True)
        subprocess.run([sys.executable, "gen.py", str(seed), folder], cwd=model, check=True)
    done = quick("check", "--arm-folders", "samples/{seed}", *OPTIONS, cwd=model)
    assert "PASS" in done.stdout
    assert "+0 %" in done.stdout


def test_another_reference_or_number_is_not_comparable(model) -> None:
    words = ["check", "--arm-command", BY_COMMAND[1], "--name", "mine", "--num-images", "90"]
    done = quick(*words, "--reference", "digits:train", cwd=model, expected=4)
    assert 'reference: "digits:test" -> "digits:train"' in done.stdout
    assert "num_images: 100 -> 90" in done.stdout


def test_a_command_that_fails_is_shown_with_what_it_said(model) -> None:
    (model / "fail").touch()
    done = quick("check", *BY_COMMAND, cwd=model, expected=5)
    (model / "fail").unlink()
    assert "seed 4" in done.stderr
    assert "no checkpoint of seed 4" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--arm-command", "gen.py --seed {seed}", *OPTIONS], "expected {dir} in it"),
        (["--arm-folders", "samples", *OPTIONS], "expected {seed} in it"),
        (["--arm-folders", "x/{seed}"], "--reference is missing"),
        (["--arm-folders", "x/{seed}", "--reference", "digits", "--name", "../x"], "--name"),
        ([], "expected a study, --arm-command or --arm-folders"),
    ],
)
def test_mistakes(tmp_path, words, message) -> None:
    assert message in quick("check", *words, cwd=tmp_path, expected=2).stderr


TESTS = """
import gen


def test_good(fid_gate):
    check = fid_gate(gen.sample, name="good", reference="digits:test", num_images=100)
    assert check is None or check.verdict == "pass"


def test_worse(fid_gate, monkeypatch):
    monkeypatch.setattr(gen, "NOISE", 80)
    fid_gate(gen.sample, name="good", reference="digits:test", num_images=100)


def test_missing(fid_gate):
    fid_gate(gen.sample, name="missing", reference="digits:test", num_images=100)
"""


def run_pytest(folder: Path, *words: str, expected: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "rgm_bench.gate.pytest_plugin", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def test_the_fixture_writes_a_baseline_and_fails_for_a_regression(model) -> None:
    (model / "pytest.ini").write_text("[pytest]\n")
    (model / "test_fid.py").write_text(TESTS)
    run_pytest(model, "-k", "good", "--fid-update", expected=0)
    said = run_pytest(model, "-v", expected=1)
    assert "test_fid.py::test_good PASSED" in said
    assert "good against" in said
    assert "REGRESSION" in said
    assert "the smallest regression that this gate finds 9 times in 10" in said
    assert "the same command with --fid-update writes one" in said
    assert "Traceback" not in said


def test_the_plugin_is_declared_and_costs_a_foreign_pytest_next_to_nothing() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"rgm_bench": "rgm_bench.gate.pytest_plugin"}
    code = (
        "import sys, pytest; before = set(sys.modules); import rgm_bench.gate.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["rgm_bench", "rgm_bench.gate", "rgm_bench.gate.pytest_plugin"]
