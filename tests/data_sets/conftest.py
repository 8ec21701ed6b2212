"""Tiny data sets in the formats that the real ones have on disk."""

import gzip
import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from rgm_bench.data import location


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, and no data set of the system."""
    monkeypatch.setenv(location.DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(location, "DEBIAN_FASHION_MNIST", tmp_path / "debian")
    return tmp_path


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_fashion_mnist(folder: Path, *, compressed: bool, num: int = 5) -> None:
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for names in location.IDX_FILES.values():
        images = generator.integers(0, 256, (num, 28, 28), dtype=np.uint8)
        for name, array in zip(names, (images, np.arange(num) % 10), strict=True):
            content = idx_bytes(array)
            path = folder / (f"{name}.gz" if compressed else name)
            path.write_bytes(gzip.compress(content) if compressed else content)


class _PythonTwo(pickle._Pickler):
    """Writes text and bytes as Python 2 wrote its strings, as in the published batches."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)

    def _string(self, value: str | bytes) -> None:
        raw = value.encode("latin-1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(raw)) + raw)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = _string


class _StateAsBytes:
    """An array whose pickle holds its raw bytes, which only old protocols write differently."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def __reduce__(self) -> tuple[Any, ...]:
        return self.array.__reduce__()


def python_two_pickle(batch: dict[str, Any]) -> bytes:
    """The bytes of a batch as `cPickle.dump(batch, file, 2)` of Python 2 makes them."""
    stream = io.BytesIO()
    fields = {
        key: _StateAsBytes(value) if isinstance(value, np.ndarray) else value
        for key, value in batch.items()
    }
    _PythonTwo(stream, 2).dump(fields)
    return stream.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


def cifar_batch(num: int, seed: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    return {
        "batch_label": "a batch",
        "labels": [int(label) for label in generator.integers(0, 10, num)],
        "data": generator.integers(0, 256, (num, 3072), dtype=np.uint8),
        "filenames": [f"{number}.png" for number in range(num)],
    }


@pytest.fixture
def cifar_root(root: Path) -> Path:
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    names = (name for names in location.CIFAR10_FILES.values() for name in names)
    for seed, name in enumerate(names):
        (folder / name).write_bytes(python_two_pickle(cifar_batch(4, seed)))
    return root


@pytest.fixture
def fashion_mnist() -> Callable[..., None]:
    return write_fashion_mnist


@pytest.fixture
def as_python_two() -> Callable[[dict[str, Any]], bytes]:
    return python_two_pickle


@pytest.fixture
def as_idx() -> Callable[[np.ndarray[Any, Any]], bytes]:
    return idx_bytes


@pytest.fixture
def a_batch() -> Callable[[int, int], dict[str, Any]]:
    return cifar_batch
