import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from rgm_bench.data import images, known
from rgm_bench.data.contents import Split
from rgm_bench.data.known import is_published, subset_fingerprint
from rgm_bench.errors import DataError

ABatch = Callable[[int, int], dict[str, Any]]


def load_images(split: Split) -> torch.Tensor:
    """Tiny batches in the form of CIFAR-10, as a subset."""
    return images.load_images(
        kind="cifar10", split=split, fingerprint=subset_fingerprint("cifar10")
    )


def test_the_batches_are_read_in_order(cifar_root: Path, a_batch: ABatch):
    content = subset_fingerprint("cifar10")
    labels = images.load_labels(kind="cifar10", split="train", fingerprint=content).numpy()
    expected = [a_batch(4, seed) for seed in range(5)]
    flat = np.concatenate([batch["data"] for batch in expected])
    np.testing.assert_array_equal(load_images("train").numpy(), flat.reshape(20, 3, 32, 32))
    np.testing.assert_array_equal(labels, np.concatenate([b["labels"] for b in expected]))


def test_the_test_batch_is_the_test_split(cifar_root: Path, a_batch: ABatch):
    pixels = load_images("test").numpy()
    np.testing.assert_array_equal(pixels.reshape(4, 3072), a_batch(4, 5)["data"])


def test_the_tiny_batches_have_the_published_format(cifar_root: Path):
    content = (cifar_root / "cifar-10-batches-py/test_batch").read_bytes()
    assert content.startswith(b"\x80\x02")
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content
    assert b"_codecs" not in content


class _Command:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_a_command_is_refused_and_not_run(cifar_root: Path, protocol: int):
    path, made = cifar_root / "cifar-10-batches-py/test_batch", cifar_root / "made"
    path.write_bytes(pickle.dumps({"data": _Command(made), "labels": []}, protocol))
    with pytest.raises(DataError, match=r"refused: it asks to load posix\.mkdir") as caught:
        load_images("test")
    assert str(path) in str(caught.value)
    assert not made.exists()


def test_builtins_are_refused_too(cifar_root: Path):
    path = cifar_root / "cifar-10-batches-py/test_batch"
    path.write_bytes(b"c__builtin__\neval\n(S'1+1'\ntR.")
    with pytest.raises(DataError, match=r"__builtin__\.eval"):
        load_images("test")


def test_a_corrupt_batch_is_refused_by_its_name(cifar_root: Path):
    path = cifar_root / "cifar-10-batches-py/test_batch"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1], b"no pickle at all"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read") as caught:
            load_images("test")
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"data": np.zeros((4, 3071), np.uint8)},
        {"data": np.zeros((4, 3072), np.float32)},
        {"data": np.zeros(3072, np.uint8)},
        {"data": "text"},
        {"labels": [1, 2, 3]},
        {"labels": ["a", "b", "c", "d"]},
        {"labels": 4},
    ],
)
def test_another_content_is_refused(
    cifar_root: Path, change: dict[str, Any], as_python_two: Callable[..., bytes], a_batch: ABatch
):
    path = cifar_root / "cifar-10-batches-py/test_batch"
    path.write_bytes(as_python_two(a_batch(4, 0) | change))
    with pytest.raises(DataError, match="is not a batch of CIFAR-10"):
        load_images("test")


# --- which images they are ----------------------------------------------------------------------


def test_other_images_do_not_pass_for_cifar10(cifar_root: Path):
    for split, found in (("train", "20 images in the train split"), ("test", "4 images")):
        with pytest.raises(DataError, match=found) as caught:
            images.load_images(kind="cifar10", split=split)
        assert "subset: NAME" in str(caught.value)
    assert not is_published("cifar10", cifar_root / "cifar-10-batches-py")


def test_a_file_with_the_published_digest_is_as_published(
    cifar_root: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = cifar_root / "cifar-10-batches-py"
    for path in folder.iterdir():
        digest = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
        monkeypatch.setitem(known._PUBLISHED, path.name, digest)
    assert is_published("cifar10", folder)
    assert len(images.load_images(kind="cifar10", split="train")) == 20


def test_the_digests_are_those_that_torchvision_knows():
    listed = (*CIFAR10.train_list, *CIFAR10.test_list)
    found = {name: digest for name, digest in known._PUBLISHED.items() if "batch" in name}
    assert found == {name: f"md5:{digest}" for name, digest in listed}


def test_a_subset_is_another_one_when_a_file_of_either_split_changes(
    cifar_root: Path, as_python_two: Callable[..., bytes], a_batch: ABatch
):
    content = subset_fingerprint("cifar10")
    path = cifar_root / "cifar-10-batches-py/test_batch"
    path.write_bytes(as_python_two(a_batch(4, 7)))
    assert subset_fingerprint("cifar10") != content
    for split in ("train", "test"):
        with pytest.raises(DataError, match=f"other images .* expected {content}"):
            images.load_images(kind="cifar10", split=split, fingerprint=content)
