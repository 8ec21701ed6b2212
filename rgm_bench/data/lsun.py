"""LSUN's outdoor churches from its LMDB, whose values are webp pictures.

Source: Yu et al. 2015, "LSUN: construction of a large-scale image dataset". Choi et al. 2023 train
on the first 120,000 pictures.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from rgm_bench.data.contents import LSUN_CHURCH_FOLDERS, Split
from rgm_bench.data.decoded import decoded
from rgm_bench.data.pictures import centre_square, gathered, read_rgb
from rgm_bench.errors import DataError, MissingDataError

if TYPE_CHECKING:
    import lmdb


def read_lsun_church(
    folder: Path, split: Split, *, num: int, image_size: int = 256
) -> UInt8[Tensor, "num 3 size size"]:
    """The first `num` pictures in the order of their keys, decoded once.

    Each is cropped to the square in the middle and resized. LSUN's are 256 pixels or more on the
    shorter side and most exactly 256, so at 256 little is resized.

    Args:
        folder: that holds the LMDBs of both splits.
        split: which; `test` is LSUN's validation set.
        num: pictures to read.
        image_size: height and width that they come out with.

    Raises:
        MissingDataError: the package lmdb is not installed.
        DataError: the LMDB is truncated or holds fewer than `num`, or a value is no picture.
    """
    path = folder / LSUN_CHURCH_FOLDERS[split]
    with _opened(path) as database:
        there = database.stat()["entries"]
        version = database.info()["last_txnid"]
    if there < num:
        raise DataError(
            f"{path} holds {there} pictures, expected {num} or more; unpack the whole archive, or "
            "use them as an image_folder under a name of their own"
        )
    return decoded(
        f"lsun_church-{split}",
        _squares(path, num, image_size),
        num=num,
        image_size=image_size,
        made_from=(path.name, f"{_data_file(path).stat().st_size} {there} {version}"),
    )


def first_of_lsun_church(
    folder: Path, split: Split, *, num: int, image_size: int = 256
) -> UInt8[Tensor, "n 3 size size"]:
    """The first `num` pictures of `read_lsun_church`, in memory; no other one is decoded.

    Raises:
        MissingDataError: the package lmdb is not installed.
        DataError: the LMDB is truncated or a value is no picture.
    """
    squares = _squares(folder / LSUN_CHURCH_FOLDERS[split], num, image_size)
    return gathered(squares, num=num, image_size=image_size)


def _squares(path: Path, num: int, image_size: int) -> Iterator[UInt8[np.ndarray, "size size 3"]]:
    with _opened(path) as database, database.begin() as transaction:
        for key, value in islice(transaction.cursor(), num):
            name = f"the value of key {bytes(key).decode(errors='replace')} in {path}"
            yield centre_square(read_rgb(BytesIO(value), name=name), image_size)


@contextmanager
def _opened(path: Path) -> "Generator[lmdb.Environment]":
    try:
        import lmdb
    except ImportError as error:
        raise MissingDataError(
            f"{path} is an LMDB, and the package that reads it is missing: pip install lmdb"
        ) from error
    try:
        # no lock: the folder may be on a disk that cannot be written, and nobody writes to it
        with lmdb.open(str(path), readonly=True, lock=False, readahead=False) as database:
            _require_whole(path, database)
            yield database
    except lmdb.Error as error:
        raise DataError(f"{path} cannot be read: {error}; unpack its archive again") from error


def _require_whole(path: Path, database: "lmdb.Environment") -> None:
    """Ask before the first read: what lies beyond the end of a mapped file kills the process."""
    pages = database.info()["last_pgno"] + 1
    expected, found = pages * database.stat()["psize"], _data_file(path).stat().st_size
    if found < expected:
        raise DataError(
            f"{_data_file(path)} has {found} bytes and announces {expected}; unpack its archive "
            "again"
        )


def _data_file(path: Path) -> Path:
    return path / "data.mdb"
