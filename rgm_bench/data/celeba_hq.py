"""CelebA-HQ at 256x256, split as CelebA is: pictures named by index and two lists beside them.

`CelebA-HQ-to-CelebA-mapping.txt` says which picture of CelebA each of the 30,000 is,
`list_eval_partition.txt` which part of CelebA that one belongs to.

Source: Karras et al. 2018, "Progressive growing of GANs", and Liu et al. 2015 for the partition.
Other work often splits the same pictures 27,000 to 3,000 at random, and FIDs against that split are
not comparable with those against this one.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from rgm_bench.data.contents import (
    CELEBA_HQ_MAPPING,
    CELEBA_PARTITION,
    PICTURE_SUFFIXES,
    Split,
)
from rgm_bench.data.decoded import decoded
from rgm_bench.data.pictures import gathered, read_rgb
from rgm_bench.errors import DataError

PARTITION_OF_SPLIT = {"train": "0", "test": "1"}
"""CelebA's training and validation parts. Its test part, 2, is not used."""


def read_celeba_hq(
    folder: Path, split: Split, *, num: int, image_size: int = 256
) -> UInt8[Tensor, "num 3 size size"]:
    """The pictures of a split in the order of their index, decoded once.

    `test` is the validation part. Pictures of a multiple of `image_size`, such as 1024x1024, are
    averaged in squares, as the published smaller versions were made; any other size is refused,
    since how a picture was resized changes its FID.

    Args:
        folder: of the pictures, `0.jpg` or `00000.png`, and of both lists.
        split: which part of it.
        num: pictures that the whole split has.
        image_size: height and width that they come out with.

    Raises:
        DataError: a list says something unexpected, a picture is missing, is not in the lists, has
            another size or cannot be read, or there are not `num`.
    """
    paths = pictures_of_split(folder, split)
    if len(paths) != num:
        raise DataError(
            f"{folder} holds {len(paths)} pictures of CelebA-HQ's {split} split, expected {num}; "
            "get the rest, or use them as an image_folder under a name of their own"
        )
    return decoded(
        f"celeba_hq-{split}",
        (_square(path, image_size) for path in paths),
        num=num,
        image_size=image_size,
        made_from=[f"{path.name} {path.stat().st_size}" for path in paths],
    )


def first_of_celeba_hq(
    folder: Path, split: Split, *, num: int, image_size: int = 256
) -> UInt8[Tensor, "n 3 size size"]:
    """The first `num` pictures of `read_celeba_hq`, in memory; no other one is decoded.

    Raises:
        DataError: as for `read_celeba_hq`.
    """
    squares = (_square(path, image_size) for path in pictures_of_split(folder, split))
    return gathered(squares, num=num, image_size=image_size)


def pictures_of_split(folder: Path, split: Split) -> tuple[Path, ...]:
    """The files of a split, ordered by index.

    Raises:
        DataError: as for `read_celeba_hq`, without opening a picture.
    """
    originals = _mapping(folder / CELEBA_HQ_MAPPING)
    partition = _partition(folder / CELEBA_PARTITION)
    found = _pictures(folder)
    unlisted = sorted(found.keys() - originals.keys())
    if unlisted:
        raise DataError(
            f"{found[unlisted[0]]} is not in {CELEBA_HQ_MAPPING}, as {len(unlisted)} of "
            f"{len(found)} pictures are not; get the whole list, or remove the pictures"
        )
    unknown = [original for original in originals.values() if original not in partition]
    if unknown:
        raise DataError(
            f"{folder / CELEBA_PARTITION} does not list {unknown[0]}, which "
            f"{CELEBA_HQ_MAPPING} names; get CelebA's whole list"
        )
    wanted = PARTITION_OF_SPLIT[split]
    chosen = sorted(index for index, name in originals.items() if partition[name] == wanted)
    lacking = [index for index in chosen if index not in found]
    if lacking:
        raise DataError(
            f"{folder} lacks {len(lacking)} of the {len(chosen)} pictures of the {split} split, "
            f"the first {lacking[0]:05d}{PICTURE_SUFFIXES[1]} (or {', '.join(PICTURE_SUFFIXES)}); "
            "get them"
        )
    return tuple(found[index] for index in chosen)


def _pictures(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        if not path.stem.isdecimal():
            raise DataError(f"{path} is not named by an index, as in 00000.jpg; rename or move it")
        index = int(path.stem)
        if index in found:
            raise DataError(f"{found[index]} and {path} have the same index; remove one")
        found[index] = path
    return found


def _mapping(path: Path) -> dict[int, str]:
    """The name in CelebA of every picture of CelebA-HQ."""
    found: dict[int, str] = {}
    expected = "an index, an index in CelebA and a file name"
    for number, row in _rows(path):
        if number == 1 and row == ["idx", "orig_idx", "orig_file"]:
            continue
        if len(row) != 3 or not row[0].isdecimal() or not row[1].isdecimal():
            raise _unexpected(path, number, row, expected)
        if int(row[0]) in found:
            raise _unexpected(path, number, row, "each index once")
        found[int(row[0])] = row[2]
    return found


def _partition(path: Path) -> dict[str, str]:
    """The part of every picture of CelebA: 0 training, 1 validation, 2 test."""
    found: dict[str, str] = {}
    for number, row in _rows(path):
        if len(row) != 2 or row[1] not in ("0", "1", "2"):
            raise _unexpected(path, number, row, "a file name and 0, 1 or 2")
        found[row[0]] = row[1]
    return found


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}; get it again") from error
    rows = ((number, line.split()) for number, line in enumerate(lines, 1))
    return ((number, row) for number, row in rows if row)


def _unexpected(path: Path, number: int, row: list[str], expected: str) -> DataError:
    return DataError(
        f"{path}:{number}: expected {expected}, found {' '.join(row)!r}; get the list again"
    )


def _square(path: Path, image_size: int) -> UInt8[np.ndarray, "size size 3"]:
    picture = read_rgb(path)
    width, height = picture.size
    if width != height or width % image_size:
        raise DataError(
            f"{path} has {width}x{height} pixels, expected {image_size}x{image_size} or a multiple "
            "of it; get CelebA-HQ at one of these sizes"
        )
    return np.asarray(picture.reduce(width // image_size), dtype=np.uint8)
