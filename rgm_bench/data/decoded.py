"""Large sets of pictures, decoded once into a file that is mapped into memory afterwards."""

import errno
import fcntl
import hashlib
import logging
import os
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from jaxtyping import UInt8
from torch import Tensor

from rgm_bench.data.location import DATA_VARIABLE, data_root
from rgm_bench.errors import DataError

_PICTURES_A_LOG_LINE = 5000
_HEADER_BYTES = 4096  # more than numpy writes

log = logging.getLogger(__name__)


def decoded(
    name: str,
    pictures: Iterable[UInt8[np.ndarray, "size size 3"]],
    *,
    num: int,
    image_size: int,
    made_from: Iterable[str],
) -> UInt8[Tensor, "num 3 size size"]:
    """The pictures as one tensor, from `<data root>/decoded` if they are there, else put there.

    The file appears whole or not at all, and of several processes that want it one makes it while
    the others wait. The tensor reads the file as it is used; what is written to it stays with it.

    Args:
        name: of the data set and split, for the file.
        pictures: all of them in order, iterated over only when there is no file.
        num: of the pictures.
        image_size: height and width of each.
        made_from: what tells the sources apart, such as their names and sizes: others make another
            file. So does another version of Pillow, which decodes them.

    Raises:
        DataError: the disk is too small or cannot be written, or the file there is damaged.
    """
    shape = (num, 3, image_size, image_size)
    file = data_root() / "decoded" / f"{name}-{image_size}-{_key(shape, made_from)}.npy"
    try:
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            with _alone(file.with_suffix(".lock")):
                if not file.is_file():
                    _write(file, pictures, shape)
    except OSError as error:
        raise DataError(_explain(error, file)) from error
    return _mapped(file, shape)


def _key(shape: tuple[int, ...], made_from: Iterable[str]) -> str:
    text = "\0".join([PIL.__version__, str(shape), *made_from])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Wait until no other process is here; the lock of a process that dies falls."""
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _write(
    file: Path, pictures: Iterable[UInt8[np.ndarray, "size size 3"]], shape: tuple[int, ...]
) -> None:
    _require_space(file.parent, prod(shape) + _HEADER_BYTES)
    log.info("decoding %s pictures once into %s", f"{shape[0]:,}", file)
    partial = file.with_suffix(".partial")
    try:
        # bytes are appended, not written through a memory map, where a full disk kills the process
        with partial.open("wb") as stream:
            header: Any = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(stream, header)
            count = 0
            for count, picture in enumerate(pictures, 1):
                stream.write(picture.transpose(2, 0, 1).tobytes())
                if count % _PICTURES_A_LOG_LINE == 0:
                    log.info("decoded %s of %s pictures", f"{count:,}", f"{shape[0]:,}")
            stream.flush()
            os.fsync(stream.fileno())
        if count != shape[0]:
            raise ValueError(f"{shape[0]} pictures were announced, {count} came")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _require_space(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise DataError(
            f"{folder}: the decoded pictures take {needed_bytes / 1e9:.1f} GB and the disk has "
            f"{free_bytes / 1e9:.1f} GB free; free some space, or move the data root to a larger "
            f"disk and say so in {DATA_VARIABLE}"
        )


def _explain(error: OSError, file: Path) -> str:
    what = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error))
    return (
        f"{file} cannot be written: {what}; make room or allow writing, or set {DATA_VARIABLE} "
        "to a data root that can be written"
    )


def _mapped(file: Path, shape: tuple[int, ...]) -> UInt8[Tensor, "..."]:
    try:
        pixels = np.load(file, mmap_mode="c")  # copy on write: torch has no read-only tensors
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file} is damaged: {error}; remove it, it will be made again") from error
    if pixels.shape != shape or pixels.dtype != np.uint8:
        raise DataError(
            f"{file} holds {pixels.dtype} of {pixels.shape}, expected uint8 of {shape}; remove it, "
            "it will be made again"
        )
    return torch.from_numpy(pixels)
