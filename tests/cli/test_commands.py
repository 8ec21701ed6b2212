"""The command line as a user meets it: what is printed, where, and with which exit code."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rgm_bench.results.proof import sealed, unsealed

SHIPPED = Path(__file__).parents[2] / "studies" / "lambda_sweep.yaml"
LOCAL = ("--executor", "local")
TINY = [
    *("--profile", "smoke", *LOCAL),
    *("--set", "training.images=160", "--set", "training.batch_size=16"),
    *("--set", "training.generator.base_channels=8", "--set", "seeds=[0]"),
    *("--set", "evaluations.generation.num_images=64"),
]


def call(*words: str | Path, cwd: Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "rgm_bench", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "studies").mkdir()
    shutil.copy(SHIPPED, tmp_path / "studies")
    return tmp_path


STUDY = "studies/lambda_sweep.yaml"


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / STUDY
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1))


def reorder(folder: Path) -> None:
    """Write the study with the keys of every map in the opposite order."""

    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(entry) for entry in value] if isinstance(value, list) else value

    yaml = YAML(typ="safe")
    content = turned(yaml.load(folder / STUDY))
    assert next(iter(content)) == "profiles"
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump(content, folder / STUDY)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("num_images: 1437", "num_imagez: 1437", r"num_imagez: unknown key.*num_images"),
        (
            "num_images: 1437",
            "num_images: many",
            r'num_images: found the text "many"; expected a whole number',
        ),
        ("kind: generate ", "kind: generat ", r"kind: found .*generat.*generate"),
        ("noise_factor: 0.999", "noise_factor: 2", r"noise_factor: found 2.*1 or less"),
        ("seeds: [0, 1, 2]", "seeds: [0, 1, 2", r"lambda_sweep\.yaml:\d+:\d+: "),
        ("preset: rgm_digits", "preset: rgm_digit", r"found .*rgm_digit.*rgm_digits"),
    ],
)
def test_a_mistake_in_a_study_is_placed_and_nothing_is_written(folder, old, new, message) -> None:
    edit(folder, old, new)
    before = sorted(folder.rglob("*"))
    done = call("run", STUDY, "--profile", "smoke", cwd=folder, expected=2)
    assert re.search(r"studies/lambda_sweep\.yaml:\d+:\d+: ", done.stderr)
    assert re.search(message, done.stderr, re.DOTALL), done.stderr
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "studies/lambda_swep.yaml"], "lambda_sweep.yaml"),
        (["run", STUDY, "--profile", "smoek"], "smoke"),
        (["run", STUDY, "--set", "training.imagez=64"], 'did you mean "images"'),
        (["run", STUDY, "--set", "training.images=many"], "whole number"),
        (["run", STUDY, "--set", "training.images"], "--set"),
        (["show", "abc"], "there is no store here"),
        (["report", STUDY], "there is no store here"),
        (["run", STUDY, "--profile", "paper"], "cifar-10-python.tar.gz"),
        (["run", STUDY, "--store", f"{STUDY}/store"], "--store"),
        (["runn"], "No such command"),
        (["run", STUDY, *LOCAL, "--address", "auto"], "--address: `--executor local` runs one"),
        (["run", STUDY, *LOCAL, "--workers", "2"], "--workers: `--executor local` runs one"),
        (["retry", STUDY, *LOCAL, "--workers", "2"], "--workers: `--executor local` runs one"),
        (["run", STUDY, "--workers", "2", "--address", "h:1"], "leave out --workers or --address"),
    ],
)
def test_a_mistake_on_the_command_line(folder, words, message, tmp_path) -> None:
    before = sorted(folder.rglob("*"))
    done = call(*words, cwd=folder, expected=2)
    assert message in done.stderr
    assert sorted(folder.rglob("*")) == before


def test_an_empty_study(folder) -> None:
    (folder / STUDY).write_text("")
    assert "lambda_sweep.yaml:1:1: " in call("plan", STUDY, cwd=folder, expected=2).stderr


@pytest.mark.process
def test_a_study_from_first_look_to_last(folder) -> None:
    """plan, run, run again, one more seed, keys in another order, show, logs, sample, report."""
    assert "3 to run" in call("plan", STUDY, *TINY[:2], *TINY[4:], cwd=folder).stdout
    first = call("run", STUDY, *TINY, cwd=folder)
    assert "8 units, 0 in results, 8 to run" in first.stdout
    assert "ran 8 units" in first.stdout
    assert "FID" in first.stdout
    again = call("run", STUDY, *TINY, cwd=folder)
    assert "8 units, 8 in results, 0 to run" in again.stdout
    more = [word.replace("seeds=[0]", "seeds=[0, 1]") for word in TINY]
    assert "16 units, 8 in results, 8 to run" in call("run", STUDY, *more, cwd=folder).stdout
    reorder(folder)
    assert "8 in results, 0 to run" in call("run", STUDY, *TINY, cwd=folder).stdout
    assert "nothing to run" in call("plan", STUDY, *TINY[:2], *TINY[4:], cwd=folder).stdout
    status = call("status", STUDY, *TINY[:2], *TINY[4:], cwd=folder).stdout
    assert "3 trainings: 3 done, 0 to run" in status

    listed = call("plan", STUDY, *TINY[:2], *TINY[4:], "--units", cwd=folder).stdout
    training = next(line.split()[2] for line in listed.splitlines() if " training " in line)
    shown = json.loads(call("show", training[:8], cwd=folder).stdout)
    assert (shown["kind"], shown["id"], shown["status"]) == ("training", training, "ok")
    call("logs", training, cwd=folder)
    call("sample", training, "--num", "3", "--out", "pictures", cwd=folder)
    assert len(list((folder / "pictures").glob("*.png"))) == 3
    reported = call("report", STUDY, *TINY[:2], *TINY[4:], cwd=folder)
    page = Path(reported.stdout.rsplit("report: ", 1)[1].strip())
    assert (folder / page).is_file()


@pytest.mark.process
def test_other_code_is_stale_and_run_again_on_request(folder) -> None:
    call("run", STUDY, *TINY, cwd=folder)
    for result in (folder / "results").glob("*/*/*"):
        if result.parent.parent.name in ("trainings", "evaluations"):
            content, _ = unsealed(json.loads((result / "result.json").read_text()))
            other = sealed(content | {"digest": "0" * 8})
            (result / "result.json").write_text(json.dumps(other))
            result.rename(result.with_name("0" * 8))
    done = call("run", STUDY, *TINY, cwd=folder)
    assert "8 results were made by other code" in done.stderr
    assert "8 in results, 0 to run" in done.stdout
    assert "other code" not in call("run", STUDY, *TINY, "--code", "ignore", cwd=folder).stderr
    assert (
        "0 in results, 8 to run" in call("run", STUDY, *TINY, "--rerun", "stale", cwd=folder).stdout
    )
    assert "other code" not in call("run", STUDY, *TINY, cwd=folder).stderr


@pytest.mark.process
def test_failed_units_are_told_and_tried_again(folder) -> None:
    """A file where the folder of reference features should be fails every evaluation."""
    (folder / "results").mkdir()
    (folder / "results/references").write_text("")
    done = call("run", STUDY, *TINY, cwd=folder, expected=5)
    assert "5 units failed" in done.stderr
    pattern = r"failed: +evaluation ([0-9a-f]{16}) \(.*\): store error \(1 attempt\): .*references"
    evaluation = re.search(pattern, done.stderr)
    assert evaluation is not None
    again = re.search(r"try what failed again: (rgm-bench run .*)", done.stderr)
    assert again is not None
    (log,) = (folder / "results/evaluations" / evaluation[1]).glob("*/log.txt")
    assert "FileExistsError" in log.read_text()
    status = call("status", STUDY, *TINY[:2], *TINY[4:], cwd=folder).stdout
    assert re.search(pattern.replace("[0-9a-f]{16}", evaluation[1]), status)
    assert f"try what failed again:   {again[1]}" in status
    (folder / "results/references").unlink()
    assert "ran 5 units" in call("run", STUDY, *TINY, cwd=folder).stdout


@pytest.mark.process
def test_retry_forgets_what_it_is_told(folder) -> None:
    call("run", STUDY, *TINY, cwd=folder)
    training = next((folder / "results/trainings").iterdir()).name
    words = [STUDY, training, *TINY]
    done = call("retry", *words, "--max-units", "1", cwd=folder, expected=6)
    assert "forgot 2 units" in done.stdout
    assert "ran 1 unit in" in done.stdout


def test_plan_and_help_load_nothing_heavy(folder) -> None:
    heavy = ("torch", "pandas", "numpy", "ray", "mlflow", "matplotlib", "sklearn")
    script = (
        "import sys\nfrom rgm_bench.cli.app import app\n"
        f"app(['plan', {STUDY!r}, '--profile', 'smoke', '--units'], standalone_mode=False)\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_init_copies_and_keeps(tmp_path) -> None:
    assert "copied" in call("init", cwd=tmp_path).stdout
    (tmp_path / STUDY).write_text("mine")
    assert "kept" in call("init", cwd=tmp_path).stdout
    assert (tmp_path / STUDY).read_text() == "mine"


def test_data_doctor_and_schema_answer(tmp_path) -> None:
    assert "digits: " in call("data", cwd=tmp_path).stdout
    assert "torch " in call("doctor", cwd=tmp_path).stdout
    schema = json.loads(call("schema", cwd=tmp_path).stdout)
    assert schema["properties"]["grammar"]


@pytest.mark.process
def test_measure_tells_time_memory_and_flops(folder) -> None:
    options = [*TINY[:2], *TINY[4:], "--measure"]
    told = call("plan", STUDY, *options, cwd=folder).stdout
    for word in ("images/s", "GFLOP an image", "GiB", "generator parameters", "to run: "):
        assert word in told
