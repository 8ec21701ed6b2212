import gzip
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rgm_bench.data import known
from rgm_bench.data.idx import read_idx
from rgm_bench.data.images import load_images, load_labels
from rgm_bench.data.known import subset_fingerprint
from rgm_bench.errors import DataError

AsIdx = Callable[[np.ndarray[Any, Any]], bytes]


@pytest.mark.parametrize("shape", [(3,), (2, 4, 5), (0, 28, 28)])
@pytest.mark.parametrize("compressed", [True, False])
def test_an_array_comes_back(
    tmp_path: Path, as_idx: AsIdx, shape: tuple[int, ...], compressed: bool
):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / ("file.gz" if compressed else "file")
    path.write_bytes(gzip.compress(as_idx(array)) if compressed else as_idx(array))
    np.testing.assert_array_equal(read_idx(path, num_axes=len(shape)), array)


@pytest.mark.parametrize("compressed", [True, False])
def test_padding_is_background_and_keeps_the_image(
    root: Path, fashion_mnist: Callable[..., None], compressed: bool
):
    folder = root / "fashion_mnist"
    fashion_mnist(folder, compressed=compressed)
    content = subset_fingerprint("fashion_mnist")
    images = load_images(kind="fashion_mnist", split="test", fingerprint=content)
    name = "t10k-images-idx3-ubyte" + (".gz" if compressed else "")
    raw = torch.from_numpy(read_idx(folder / name, num_axes=3))
    assert images.shape == (5, 1, 32, 32)
    assert torch.equal(images[:, 0, 2:-2, 2:-2], raw)
    assert images.sum() == raw.sum()
    labels = load_labels(kind="fashion_mnist", split="test", fingerprint=content)
    assert labels.tolist() == [0, 1, 2, 3, 4]


def test_other_images_do_not_pass_for_fashion_mnist(
    root: Path, fashion_mnist: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    folder = root / "fashion_mnist"
    fashion_mnist(folder, compressed=True)
    with pytest.raises(DataError, match="holds 5 images in the test split that are not those"):
        load_images(kind="fashion_mnist", split="test")
    for path in folder.iterdir():
        digest = hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        monkeypatch.setitem(known._PUBLISHED, path.stem, f"sha256:{digest}")
    assert len(load_images(kind="fashion_mnist", split="test")) == 5


def test_a_subset_has_one_content_gzipped_or_not(root: Path, fashion_mnist: Callable[..., None]):
    fashion_mnist(root / "fashion_mnist", compressed=True)
    content = subset_fingerprint("fashion_mnist")
    shutil.rmtree(root / "fashion_mnist")
    fashion_mnist(root / "fashion_mnist", compressed=False)
    assert subset_fingerprint("fashion_mnist") == content


def _refused(path: Path, num_axes: int = 3) -> str:
    with pytest.raises(DataError) as caught:
        read_idx(path, num_axes=num_axes)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_truncated_file_is_refused_by_its_name(tmp_path: Path, as_idx: AsIdx):
    whole = as_idx(np.zeros((3, 28, 28)))
    path = tmp_path / "images"
    for length in (0, 3, 15, 16, len(whole) - 1):
        path.write_bytes(whole[:length])
        _refused(path)
    path.write_bytes(whole + b"\0")
    assert "2369 bytes, its header announces 2368" in _refused(path)


def test_a_broken_gzip_is_refused_by_its_name(tmp_path: Path, as_idx: AsIdx):
    whole = gzip.compress(as_idx(np.random.default_rng(0).integers(0, 256, (3, 28, 28))))
    path = tmp_path / "images.gz"
    corrupt = bytearray(whole)
    corrupt[len(whole) // 2] ^= 0xFF
    for content in (whole[:-20], bytes(corrupt), b"not a gzip file"):
        path.write_bytes(content)
        assert "cannot be read" in _refused(path)


def test_another_magic_number_is_refused(tmp_path: Path, as_idx: AsIdx):
    path = tmp_path / "labels"
    path.write_bytes(as_idx(np.arange(30)))
    assert "magic number 2049, expected 2051" in _refused(path)


def test_labels_and_images_of_different_number_are_refused(
    root: Path, fashion_mnist: Callable[..., None], as_idx: AsIdx
):
    folder = root / "fashion_mnist"
    fashion_mnist(folder, compressed=False)
    (folder / "train-labels-idx1-ubyte").write_bytes(as_idx(np.arange(4)))
    with pytest.raises(DataError, match="4 labels"):
        load_images(kind="fashion_mnist", split="train")
