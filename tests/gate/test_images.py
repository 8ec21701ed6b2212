"""Any model as the arm of a gate: a command, folders, and the pytest fixture."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import torch

from rgm_bench.gate.pytest_gate import FidGate
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
    check = fid_gate(gen.sample, name="mine", reference="digits:test", num_images=100)
    assert [round(finding.effect, 6) for finding in check.findings] == [1]


def test_worse(fid_gate, monkeypatch):
    monkeypatch.setattr(gen, "NOISE", 80)
    fid_gate(gen.sample, name="mine", reference="digits:test", num_images=100)


def test_missing(fid_gate):
    fid_gate(gen.sample, name="missing", reference="digits:test", num_images=100)
"""


def plugin() -> list[str]:
    """What loads the fixture where the installed package does not, such as an older one."""
    module = "rgm_bench.gate.pytest_plugin"
    installed = {point.value for point in entry_points(group="pytest11")}
    return [] if module in installed else ["-p", module]


@pytest.mark.process
def test_the_fixture_compares_and_fails_for_a_regression(model, tmp_path) -> None:
    """What the function returns is what the command writes: one baseline serves both."""
    folder = shutil.copytree(model, tmp_path / "model")
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_fid.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin(), "-v"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    said = done.stdout
    assert done.returncode == 1, said + done.stderr
    assert "test_fid.py::test_good PASSED" in said
    assert "mine against" in said
    assert "REGRESSION" in said
    assert "the smallest regression that this gate finds 9 times in 10" in said
    assert "the same command with --fid-update writes one" in said
    assert "Traceback" not in said


def test_the_fixture_writes_a_baseline(tmp_path) -> None:
    def images(seed: int, num_images: int) -> torch.Tensor:
        rng = torch.Generator().manual_seed(seed)
        return torch.randint(256, (num_images, 8, 8), generator=rng, dtype=torch.uint8)

    options: dict[str, Any] = {"name": "new", "reference": "digits:test", "num_images": 50}
    assert FidGate(tmp_path, update=True)(images, **options) is None
    check = FidGate(tmp_path, update=False)(images, **options)
    assert check is not None
    assert check.verdict == "pass"
    with pytest.raises(pytest.fail.Exception, match="expected uint8"):
        FidGate(tmp_path, update=False)(lambda seed, num: images(seed, num).float(), **options)


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


FORGETS = """
import sys
from pathlib import Path

import numpy as np
from PIL import Image

digits = np.load("digits.npy")[:60]
seed, folder = sys.argv[1:]
order = np.roll(np.arange(60), int(seed))  # the same images in another order
for number, image in enumerate(digits[order]):
    Image.fromarray(image).save(Path(folder) / f"{number:02}.png")
"""


def test_a_generator_that_forgets_its_seed_is_refused_and_writes_no_baseline(
    model, tmp_path
) -> None:
    (tmp_path / "gen.py").write_text(FORGETS)
    shutil.copy(model / "digits.npy", tmp_path)
    done = quick("check", *BY_COMMAND, "--update", cwd=tmp_path, expected=2)
    assert "seeds 0 and 1 have the same images" in done.stderr
    assert not (tmp_path / "results/baselines").exists()


def test_two_equal_folders_of_five_are_refused(model, tmp_path) -> None:
    for seed in range(5):
        folder = tmp_path / "samples" / str(seed)
        folder.mkdir(parents=True)
        made = "1" if seed == 3 else str(seed)
        subprocess.run([sys.executable, "gen.py", made, folder], cwd=model, check=True)
    words = ["--arm-folders", str(tmp_path / "samples/{seed}"), *OPTIONS]
    done = quick("check", *words, cwd=model, expected=2)
    assert "measured now: fid.digits_cnn_v1.n100: seeds 1 and 3 have the same images" in done.stderr


def test_the_fixture_refuses_them_too(tmp_path) -> None:
    same = torch.randint(256, (50, 8, 8), generator=torch.Generator(), dtype=torch.uint8)
    with pytest.raises(pytest.fail.Exception, match="seeds 0 and 1 have the same images"):
        FidGate(tmp_path, update=True)(
            lambda seed, num: same, name="new", reference="digits:test", num_images=50
        )


@pytest.mark.parametrize("with_digests", [True, False], ids=["by digest", "by value"])
def test_a_baseline_of_the_same_images_is_refused(model, tmp_path, with_digests) -> None:
    kept = json.loads((model / "results/baselines/mine.json").read_text())
    (number,) = kept["numbers"]
    if with_digests:
        number["images"]["4"] = number["images"]["2"]
    else:  # as earlier versions wrote it
        del number["images"]
        number["values"]["4"] = number["values"]["2"]
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps(kept))
    done = quick("check", *BY_COMMAND, "--baseline", path, cwd=model, expected=2)
    assert f"{path}: fid.digits_cnn_v1.n100: seeds 2 and 4" in done.stderr
