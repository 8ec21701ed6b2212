"""A published checkpoint on the command line: put into a store, asked for, measured."""

import json
import math
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from rgm_bench.api import Study
from rgm_bench.cli.app import main
from rgm_bench.cli.prepare import OfficialOption
from rgm_bench.config.official import OfficialName
from rgm_bench.config.spec import TrainingSpec
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.official_training import import_checkpoint
from rgm_bench.results.store import Store
from tests.checkpoints import full_checkpoint, small_checkpoint, small_training

IMPORT = ("import-official", "file.pth", "--preset", "cifar10-kld-sr")


Call = Callable[..., str]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs a command in a folder of its own and gives what it printed; torch is loaded once."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path, expected: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["rgm-bench", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = "".join(capsys.readouterr())
        assert ended.value.code == expected, printed
        return printed

    return run


def test_presets_are_the_published_trainings() -> None:
    assert {option.value for option in OfficialOption} == set(get_args(OfficialName))


def test_a_checkpoint_of_full_size_is_what_the_printed_command_asks_for(
    call: Call, tmp_path: Path
) -> None:
    path = full_checkpoint(tmp_path)
    told = call("import-official", path, "--preset", "cifar10-kld-d")
    assert "48,432,515 parameters" in told
    *_, prepare, measure = told.splitlines()
    call(*shlex.split(prepare)[1:])
    _, run, *options = shlex.split(measure)
    assert run == "run"
    planned = call("plan", *options, "--units")
    assert "1 training: 1 done, 0 to run" in planned
    (training,) = (tmp_path / "results/trainings").iterdir()
    assert f"done      training   {training.name}" in planned
    for large in (path, *training.rglob("*.safetensors")):  # pytest keeps its folders
        large.unlink()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "file.pth: no such checkpoint"),
        (b"no checkpoint", "not a checkpoint of tensors only"),
        ({"module.z_transform.1.weight": torch.zeros(2)}, "z_transform.1.weight: found (2,)"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_leaves_nothing(
    call: Call, content: bytes | dict[str, torch.Tensor] | None, message: str, tmp_path: Path
) -> None:
    if isinstance(content, bytes):
        (tmp_path / "file.pth").write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / "file.pth")
    assert message in call(*IMPORT, expected=2)
    assert not (tmp_path / "results").exists()


def test_a_study_whose_weights_are_not_there_says_how_to_get_them(
    call: Call, tmp_path: Path
) -> None:
    call("init")
    before = sorted(tmp_path.rglob("*"))
    options = ("studies/official.yaml", "--profile", "cifar10_dswd_d")
    without = call("run", *options, expected=2)
    assert "rgm-bench import-official FILE --preset cifar10-dswd-d --store results" in without
    assert "does not say yet which" in without
    chosen = ("--set", f"training.method.sha256={'ab' * 32}")
    missing = call("run", *options, *chosen, expected=2)
    assert f"the file with the sha256 {'ab' * 32}" in missing
    assert sorted(tmp_path.rglob("*")) == before


def study(training: TrainingSpec) -> dict[str, Any]:
    """Measures a training without a network that sees images."""
    diversity = {"kind": "latent_diversity", "level": 1, "num_images": 8, "num_latents": 2}
    return {
        "grammar": 1,
        "name": "mine",
        "title": "How far restorations differ",
        "base": {
            "training": training.model_dump(mode="json", exclude={"seed"}),
            "evaluations": {"diversity": diversity},
        },
        "axes": {"model": {"values": {"small": {}}}},
        "seeds": [training.seed],
        "report": [
            {"kind": "table", "rows": "model", "columns": ["latent_diversity", "flops", "seconds"]}
        ],
        "profiles": {"smoke": {}, "laptop": {}},
    }


def test_an_imported_training_is_measured_like_any_other(call: Call, tmp_path: Path) -> None:
    path = small_checkpoint(tmp_path)
    training = small_training(file_sha256(path))
    (tmp_path / "mine.yaml").write_text(json.dumps(study(training)))
    asked = call("run", "mine.yaml", "--executor", "local", expected=2)
    assert "none of those that can be imported" in asked

    imported = import_checkpoint(path, training, Store(tmp_path / "results")).outcome
    opened = Study.load("mine.yaml")
    assert opened.run(executor="local").num_done == 1
    (row,) = opened.evaluations().to_dict("records")
    assert row["latent_diversity.pixels.n8"] > 0
    assert row["parameters_generator"] == imported.cost["parameters_generator"]
    assert math.isnan(row["training_seconds"])
    assert opened.report().page.is_file()
    assert "nothing to run" in call("plan", "mine.yaml")
    call("sample", imported.id, "--num", "2")
    assert len(list((tmp_path / "samples").glob("*.png"))) == 2
