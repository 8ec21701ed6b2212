"""CIFAR-10 from its python version: pickled batches, read without running what they say.

Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images".
"""

import io
import pickle
from pathlib import Path
from typing import Any, cast, final

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from rgm_bench.data.contents import CIFAR10_FILES, Split
from rgm_bench.data.known import require_known
from rgm_bench.errors import DataError

_PIXELS = 3 * 32 * 32
_RECONSTRUCT = np.zeros(0).__reduce__()[0]  # what numpy itself names to rebuild an array
_ADMITTED: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
}


def read_cifar10(
    folder: Path, split: Split, *, content: str | None = None
) -> tuple[UInt8[Tensor, "n 3 32 32"], Int64[Tensor, " n"]]:
    """Images and labels, in the order of the batches.

    Args:
        folder: of the batches.
        split: which part of them.
        content: the fingerprint of a subset; None for CIFAR-10 as published.

    Raises:
        DataError: a batch is truncated, corrupt, names anything but numpy arrays or has other
            images.
    """
    batches = [_read_batch(folder / name) for name in CIFAR10_FILES[split]]
    images = np.concatenate([images for images, _ in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([labels for _, labels in batches])
    require_known("cifar10", folder, split, content=content, num=len(images))
    return torch.from_numpy(images), torch.from_numpy(labels)


def _read_batch(path: Path) -> tuple[UInt8[np.ndarray, "n pixels"], Int64[np.ndarray, " n"]]:
    batch = _unpickle(path)
    fields = cast("dict[object, object]", batch) if isinstance(batch, dict) else {}
    images, labels = fields.get(b"data"), fields.get(b"labels")
    if not (
        isinstance(images, np.ndarray)
        and images.dtype == np.uint8
        and images.shape == (len(images), _PIXELS)
        and isinstance(labels, list)
        and len(cast("list[object]", labels)) == len(images)
        and all(isinstance(label, int) for label in cast("list[object]", labels))
    ):
        raise DataError(
            f"{path} is not a batch of CIFAR-10: expected `data`, n x {_PIXELS} bytes, and "
            "`labels`, n numbers; unpack cifar-10-python.tar.gz again"
        )
    return images, np.asarray(labels, dtype=np.int64)


def _unpickle(path: Path) -> object:
    try:
        return _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except _RefusedNameError as error:
        raise DataError(
            f"{path} was refused: it asks to load {error}, and a batch of CIFAR-10 holds numpy "
            "arrays only. Do not open it with anything else; get cifar-10-python.tar.gz again"
        ) from error
    except Exception as error:  # a corrupt pickle raises nearly anything
        raise DataError(
            f"{path} cannot be read: {error!r}; unpack cifar-10-python.tar.gz again"
        ) from error


class _RefusedNameError(Exception):
    """A pickle that names something which is not part of a numpy array."""


@final
class _ArraysOnly(pickle.Unpickler):
    """Unpickles plain containers and numpy arrays: every other name is refused, not imported."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _ADMITTED[module_name, global_name]
        except KeyError:
            raise _RefusedNameError(f"{module_name}.{global_name}") from None
