import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args
from urllib.error import URLError

import pytest

from rgm_bench.cli import prepare
from rgm_bench.data import location
from rgm_bench.data.contents import DataKind, PointsKind
from rgm_bench.data.fingerprint import image_folder_fingerprint
from rgm_bench.errors import MissingDataError


def test_it_imports_neither_torch_nor_numpy():
    program = (
        "import sys, rgm_bench.data.location as location; location.statuses();"
        "print([name for name in ('torch', 'numpy', 'sklearn', 'pandas') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_the_root_is_the_variable_else_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("RGM_BENCH_DATA", str(tmp_path))
    assert location.data_root() == tmp_path
    monkeypatch.delenv("RGM_BENCH_DATA")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert location.data_root() == tmp_path / ".cache/rgm-bench/data"


def test_digits_are_always_there(root: Path):
    assert (location.locate("digits") / "digits.csv.gz").is_file()


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("place", ["fashion_mnist", "FashionMNIST/raw", "debian"])
def test_fashion_mnist_is_found_in_each_of_its_places(
    root: Path, place: str, compressed: bool, fashion_mnist: Callable[..., None]
):
    fashion_mnist(root / place, compressed=compressed)
    assert location.locate("fashion_mnist", split="test") == root / place


def test_a_folder_without_one_file_is_passed_over(root: Path, fashion_mnist: Callable[..., None]):
    fashion_mnist(root / "fashion_mnist", compressed=True)
    fashion_mnist(root / "debian", compressed=True)
    (root / "fashion_mnist/train-labels-idx1-ubyte.gz").unlink()
    assert location.locate("fashion_mnist") == root / "debian"


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("fashion_mnist", "apt-get install dataset-fashion-mnist"),
        ("fashion_mnist", "rgm-bench data --get fashion_mnist"),
        ("cifar10", "tar -xzf cifar-10-python.tar.gz -C "),
        ("celeba_hq_256", "CelebA-HQ-to-CelebA-mapping.txt"),
        ("lsun_church", "python3 download.py -c church_outdoor"),
    ],
)
def test_a_missing_data_set_says_all_places_and_the_command(
    root: Path, kind: location.DataKind, command: str
):
    with pytest.raises(MissingDataError) as caught:
        location.locate(kind)
    text = str(caught.value)
    assert command in text
    assert all(str(place) in text for place in location._places(kind, None, "train"))


def test_a_missing_data_set_says_which_files_lack(cifar_root: Path):
    (cifar_root / "cifar-10-batches-py/data_batch_3").unlink()
    with pytest.raises(MissingDataError, match="without data_batch_3"):
        location.locate("cifar10", split="train")
    assert location.locate("cifar10", split="test").is_dir()


def test_photographs_are_found_where_the_packages_are():
    for split in ("train", "test"):
        assert all(path.is_file() for path in location.photograph_files(split))
    assert location.locate("natural_patches").is_dir()


@pytest.mark.parametrize("name", ["../secret", "a/b", "", "Upper", "a" * 65, "a\n", None])
def test_a_name_never_becomes_a_path_unchecked(root: Path, name: str | None):
    with pytest.raises(MissingDataError, match="a to z"):
        location.locate("image_folder", name=name)


def test_an_empty_image_folder_is_missing(root: Path):
    (root / "cats/train").mkdir(parents=True)
    (root / "cats/train/notes.txt").write_text("no picture")
    with pytest.raises(MissingDataError, match=r"no \.png"):
        location.locate("image_folder", name="cats")


def _folder(root: Path, name: str, pictures: dict[str, bytes]) -> None:
    for path, content in pictures.items():
        (root / name / "train" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / name / "train" / path).write_bytes(content)


def test_a_fingerprint_is_the_content_and_nothing_else(root: Path):
    _folder(root, "one", {"a.png": b"1", "sub/b.JPG": b"2", "notes.txt": b"x"})
    _folder(root, "two", {"sub/b.JPG": b"2", "a.png": b"1", "notes.txt": b"y"})
    assert image_folder_fingerprint("one", "train") == image_folder_fingerprint("two", "train")
    assert len(image_folder_fingerprint("one", "train")) == 16


@pytest.mark.parametrize(
    "other",
    [
        {"a.png": b"1", "b.png": b"3"},
        {"a.png": b"1", "c.png": b"2"},
        {"a.png": b"2", "b.png": b"1"},
        {"a.png": b"1"},
        {"a.png": b"1", "b.png": b"2", "c.png": b""},
    ],
)
def test_a_fingerprint_changes_with_any_picture(root: Path, other: dict[str, bytes]):
    _folder(root, "one", {"a.png": b"1", "b.png": b"2"})
    _folder(root, "two", other)
    assert image_folder_fingerprint("one", "train") != image_folder_fingerprint("two", "train")


def test_the_listing_shows_what_is_there_and_how_to_get_the_rest(cifar_root: Path):
    _folder(cifar_root, "cats", {"a.png": b"1"})
    found = {status.name: status for status in location.statuses()}
    assert found["cifar10"].folder == cifar_root / "cifar-10-batches-py"
    assert found["fashion_mnist"].folder is None
    assert "apt-get install" in found["fashion_mnist"].instructions
    assert found["image_folder cats"].folder == cifar_root / "cats"


def test_the_command_lists_every_kind(root: Path, capsys: pytest.CaptureFixture[str]):
    prepare.data()
    lines = capsys.readouterr().out.splitlines()
    for kind in get_args(PointsKind):
        assert f"{kind}: computed, always there" in lines
    there = {"digits", "natural_patches"}
    for kind in get_args(DataKind):
        said = [line for line in lines if line.startswith(f"{kind}: ")]
        assert len(said) == 1
        assert ("not found" in said[0]) == (kind not in there)


@pytest.mark.parametrize("kind", ["fashion_mnist", "cifar10"])
def test_a_failed_download_says_the_other_ways(
    root: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    import torchvision.datasets.mnist
    import torchvision.datasets.utils

    def unreachable(*_args: object, **_options: object) -> None:
        raise URLError("no network")

    for module in (torchvision.datasets.mnist, torchvision.datasets.utils):
        monkeypatch.setattr(module, "download_and_extract_archive", unreachable)
    with pytest.raises(MissingDataError) as caught:
        location.download(kind)  # type: ignore[arg-type]
    assert "Other ways" in str(caught.value)
    assert ("apt-get install" if kind == "fashion_mnist" else "tar -xzf") in str(caught.value)
