import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rgm_bench.data.images import load_images, load_labels
from rgm_bench.errors import DataError

ABatch = Callable[[int, int], dict[str, Any]]


def test_the_batches_are_read_in_order(cifar_root: Path, a_batch: ABatch):
    images, labels = (
        load(kind="cifar10", split="train").numpy() for load in (load_images, load_labels)
    )
    expected = [a_batch(4, seed) for seed in range(5)]
    flat = np.concatenate([batch["data"] for batch in expected])
    np.testing.assert_array_equal(images, flat.reshape(20, 3, 32, 32))
    np.testing.assert_array_equal(labels, np.concatenate([b["labels"] for b in expected]))


def test_the_test_batch_is_the_test_split(cifar_root: Path, a_batch: ABatch):
    images = load_images(kind="cifar10", split="test").numpy()
    np.testing.assert_array_equal(images.reshape(4, 3072), a_batch(4, 5)["data"])


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
        load_images(kind="cifar10", split="test")
    assert str(path) in str(caught.value)
    assert not made.exists()


def test_builtins_are_refused_too(cifar_root: Path):
    path = cifar_root / "cifar-10-batches-py/test_batch"
    path.write_bytes(b"c__builtin__\neval\n(S'1+1'\ntR.")
    with pytest.raises(DataError, match=r"__builtin__\.eval"):
        load_images(kind="cifar10", split="test")


def test_a_corrupt_batch_is_refused_by_its_name(cifar_root: Path):
    path = cifar_root / "cifar-10-batches-py/test_batch"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1], b"no pickle at all"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read") as caught:
            load_images(kind="cifar10", split="test")
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
        load_images(kind="cifar10", split="test")
