"""`rgm-bench evaluate`: what it prints and writes, and a sentence for every mistake."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.cli.app import main
from rgm_bench.cli.evaluate import ExtractorOption
from rgm_bench.data import location
from rgm_bench.metrics.extractors import ExtractorName
from rgm_bench.metrics.inception import INCEPTION_VARIABLE
from rgm_bench.results.store import Store
from tests.image_metrics.conftest import (  # noqa: F401  # fixtures
    Trained,
    train,
    trained,
    trained_on_points,
    write_pictures,
)

Call = Callable[..., str]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs the command in a folder of its own and gives what it printed; torch is loaded once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(location.DATA_VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv(INCEPTION_VARIABLE, raising=False)

    def run(*words: str | Path, expected: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["rgm-bench", "evaluate", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = "".join(capsys.readouterr())
        assert ended.value.code == expected, printed
        return printed

    return run


@pytest.fixture
def folder(train: torch.Tensor, tmp_path: Path) -> Path:  # noqa: F811
    return write_pictures(tmp_path / "digits", train[:40])


def files(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_options_are_the_extractors() -> None:
    from typing import get_args

    assert tuple(option.value for option in ExtractorOption) == get_args(ExtractorName)


def test_it_prints_every_number_with_n_and_writes_them(
    call: Call, folder: Path, tmp_path: Path
) -> None:
    printed = call("digits", "--against", "digits:test", "--json", "scores.json", "--resamples", 50)
    written = json.loads((tmp_path / "scores.json").read_text())
    assert {name.split(".")[0] for name in written["metrics"]} == {
        "fid",
        "inception_score",
        "kid",
        "precision",
        "recall",
    }
    for name in written["metrics"]:
        assert name.endswith(".digits_cnn_v1.n40")
        (line,) = (line for line in printed.splitlines() if line.startswith(name))
        assert "n = 40" in line
    low, high = written["intervals"]["fid.digits_cnn_v1.n40"]
    assert low < written["metrics"]["fid.digits_cnn_v1.n40"] < high
    assert (written["images"]["num"], written["reference"]["num"]) == (40, 360)
    (cached,) = files(tmp_path / "results")
    assert cached.parent == tmp_path / "results/references"


def test_a_number_of_images_is_chosen_by_the_seed(call: Call, folder: Path) -> None:
    options = ("digits", "--against", "digits", "--num-images", 20, "--resamples", 0)
    first, again = call(*options), call(*options)
    other = call(*options, "--seed", 1)
    assert "fid.digits_cnn_v1.n20" in first
    assert "[" not in first
    assert first == again != other


def test_a_training_is_measured_and_its_store_left_as_it_was(
    call: Call,
    trained: Trained,  # noqa: F811
    tmp_path: Path,
) -> None:
    root = trained.store.root
    before = files(root)
    options = ("--against", "digits", "--num-images", 320, "--seed", 3, "--resamples", 0)
    call(trained.training.id[:8], *options, "--store", root, "--json", "id.json")
    call(trained.snapshot(64), *options, "--store", root, "--json", "file.json")
    for name in ("id.json", "file.json"):
        written = json.loads((tmp_path / name).read_text())
        assert written["metrics"] == trained.evaluation.metrics
    assert files(root) == before


def test_a_training_makes_as_many_images_as_the_reference_has(
    call: Call,
    trained: Trained,  # noqa: F811
) -> None:
    options = ("--store", trained.store.root, "--resamples", 0)
    printed = call(trained.training.id, "--against", "digits:test", *options)
    assert "fid.digits_cnn_v1.n360" in printed


MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "no such folder": (("digitz", "--against", "digits"), "digitz: no such folder or file"),
    "an id without a store": (("abcdef", "--against", "digits"), "there is no store here"),
    "no such reference": (("digits", "--against", "digitz"), "digitz: no such folder or file"),
    "no such split": (("digits", "--against", "digits:valid"), "expected train or test"),
    "points": (("digits", "--against", "gmm8"), "those are points"),
    "a folder of the data root": (
        ("digits", "--against", "image_folder"),
        "give the path of the folder",
    ),
    "a data set that is not here": (("digits", "--against", "cifar10"), "cifar-10-python.tar.gz"),
    "no pictures": (("empty", "--against", "digits"), "no pictures (.png"),
    "a file of text": (("text.txt", "--against", "digits"), "snapshot-<images>.safetensors"),
    "a foreign checkpoint": (
        ("snapshot-64.safetensors", "--against", "digits"),
        "in a store",
    ),
    "text as the reference": (("digits", "--against", "text.txt"), "holds no images"),
    "no extractor for a folder": (("digits", "--against", "./digits"), "--extractor"),
    "more than there are": (
        ("digits", "--against", "digits", "--num-images", "41"),
        "found 40 images, and --num-images asks for 41",
    ),
    "none": (("digits", "--against", "digits", "--num-images", "0"), "--num-images"),
    "nine": (("nine", "--against", "digits"), "found 9 images; metrics need 10"),
    "nine to compare with": (
        ("digits", "--against", "nine", "--extractor", "digits_cnn_v1"),
        "nine: found 9 images; metrics need 10",
    ),
    "another extractor": (
        ("digits", "--against", "digits", "--extractor", "fashion_mnist_cnn_v1"),
        "sees those of 32 x 32",
    ),
    "another size than the reference": (("large", "--against", "digits"), "12 x 12"),
    "sizes that differ": (("mixed", "--against", "digits"), "all pictures have to be of one size"),
    "colour": (("colour", "--against", "digits"), "has colour"),
    "grey against colour": (
        ("grey16", "--against", "natural_patches"),
        "grey16 is grey, and natural_patches:train has colour",
    ),
    "a corrupt picture": (("corrupt", "--against", "digits"), "00003.png cannot be read"),
    "a picture cut off": (("cut", "--against", "digits"), "00003.png cannot be read"),
    "16 bits": (("deep", "--against", "digits"), "more than 8 bits"),
    "an array of floats": (("floats.npy", "--against", "digits"), "holds float32 of 40 x 8 x 8"),
    "an array of objects": (("objects.npy", "--against", "digits"), "cannot be read as an array"),
    "a corrupt array": (("corrupt.npz", "--against", "digits"), "cannot be read as an array"),
    "an empty file": (("empty.npy", "--against", "digits"), "cannot be read as an array"),
    "several arrays": (("several.npz", "--against", "digits"), "one named arr_0"),
    "too few resamples": (("digits", "--against", "digits", "--resamples", "5"), "40 or more"),
    "nowhere to write": (
        ("digits", "--against", "digits", "--json", "nowhere/scores.json", "--resamples", "0"),
        "--json names another file",
    ),
    "a store that is a file": (
        ("digits", "--against", "digits", "--store", "text.txt"),
        "choose another store with --store",
    ),
}


@pytest.fixture
def mistakes(folder: Path, train: torch.Tensor, tmp_path: Path) -> None:  # noqa: F811
    """All that the mistakes name."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("text")
    (tmp_path / "snapshot-64.safetensors").write_bytes(b"weights")
    write_pictures(tmp_path / "nine", train[:9])
    write_pictures(tmp_path / "large", torch.nn.functional.pad(train[:20], (2, 2, 2, 2)))
    write_pictures(tmp_path / "mixed/a", train[:20])
    write_pictures(tmp_path / "mixed/b", torch.nn.functional.pad(train[:2], (2, 2, 2, 2)))
    write_pictures(tmp_path / "colour", torch.arange(20 * 192).view(20, 3, 8, 8).byte())
    write_pictures(tmp_path / "grey16", torch.nn.functional.pad(train[:20], (4, 4, 4, 4)))
    for name in ("corrupt", "cut", "deep"):
        write_pictures(tmp_path / name, train[:20])
    picture = tmp_path / "corrupt/00003.png"
    picture.write_bytes(b"no picture")
    picture = tmp_path / "cut/00003.png"
    picture.write_bytes(picture.read_bytes()[:-30])
    Image.fromarray(np.full((8, 8), 4000, np.uint16)).save(tmp_path / "deep/00003.png")
    np.save(tmp_path / "floats.npy", train[:40, 0].float().numpy())
    np.save(tmp_path / "objects.npy", np.array([{}] * 40), allow_pickle=True)
    (tmp_path / "corrupt.npz").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "empty.npy").touch()
    np.savez(tmp_path / "several.npz", a=np.zeros(1), b=np.zeros(1))


@pytest.mark.parametrize(("words", "message"), MISTAKES.values(), ids=MISTAKES)
@pytest.mark.usefixtures("mistakes")
def test_a_mistake_is_a_sentence(call: Call, words: tuple[str, ...], message: str) -> None:
    printed = call(*words, expected=2)
    assert message in printed
    assert "Traceback" not in printed


def test_inception_that_is_not_there_says_how_to_get_it(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(INCEPTION_VARIABLE, "nowhere.pth")
    printed = call(
        "digits", "--against", "digits", "--extractor", "inception_v3_compat", expected=2
    )
    assert "not at nowhere.pth" in printed
    assert INCEPTION_VARIABLE in printed


def test_a_training_of_points_is_refused(
    call: Call,
    trained_on_points: Store,  # noqa: F811
) -> None:
    (training,) = (trained_on_points.root / "trainings").iterdir()
    options = ("--against", "digits", "--store", trained_on_points.root)
    assert "makes points of gmm8" in call(training.name, *options, expected=2)


def test_an_unfinished_training_is_refused(
    call: Call,
    trained: Trained,  # noqa: F811
    tmp_path: Path,
) -> None:
    copy = tmp_path / "store/trainings" / trained.training.id / "00000000/snapshot-16.safetensors"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(trained.snapshot(16).read_bytes())
    options = ("--against", "digits", "--store", "store")
    assert "has not finished" in call(copy, *options, expected=2)
    assert "not a finished training" in call(trained.training.id, *options, expected=2)
