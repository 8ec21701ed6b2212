"""Fashion-MNIST from idx files: a big-endian magic number and sizes, then bytes.

Source: LeCun, Cortes and Burges, "The MNIST database", file formats.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.nn import functional

from rgm_bench.data.contents import IDX_FILES, Split
from rgm_bench.data.known import content_of, existing, require_known
from rgm_bench.errors import DataError

_UNSIGNED_BYTES = 0x08
_SIDE = 28
_PADDING = 2


def read_fashion_mnist(
    folder: Path, split: Split, *, content: str | None = None
) -> tuple[UInt8[Tensor, "n 1 32 32"], Int64[Tensor, " n"]]:
    """Images, padded from 28x28 to 32x32 with background, and labels.

    Args:
        folder: of the files.
        split: which part of them.
        content: the fingerprint of a subset; None for Fashion-MNIST as published.

    Raises:
        DataError: a file is truncated, corrupt, of another format or of other images.
    """
    image_path, label_path = (existing(folder, name) for name in IDX_FILES[split])
    images, labels = read_idx(image_path, num_axes=3), read_idx(label_path, num_axes=1)
    if images.shape[1:] != (_SIDE, _SIDE) or len(images) != len(labels):
        raise DataError(
            f"{image_path} holds images of {images.shape} and {label_path} {len(labels)} labels; "
            f"expected n x {_SIDE} x {_SIDE} and n: get the files again"
        )
    require_known("fashion_mnist", folder, split, content=content, num=len(images))
    padded = functional.pad(torch.from_numpy(images).unsqueeze(1), 4 * (_PADDING,))
    return padded, torch.from_numpy(labels.astype(np.int64))


def read_idx(path: Path, *, num_axes: int) -> UInt8[np.ndarray, "..."]:
    """The array of an idx file of unsigned bytes, gzipped when its name ends with .gz.

    Raises:
        DataError: it is truncated, corrupt or of another format.
    """
    content = content_of(path)
    header_bytes = 4 * (1 + num_axes)
    magic = int.from_bytes(content[:4], "big")
    if len(content) < header_bytes or magic != (_UNSIGNED_BYTES << 8) + num_axes:
        raise DataError(
            f"{path} is not an idx file of {num_axes} axes of bytes: it has {len(content)} bytes "
            f"and magic number {magic}, expected {(_UNSIGNED_BYTES << 8) + num_axes}: get it again"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", num_axes, offset=4))
    expected = header_bytes + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise DataError(
            f"{path} has {len(content)} bytes, its header announces {expected} (sizes "
            f"{' x '.join(map(str, shape))}): get it again"
        )
    return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape).copy()
