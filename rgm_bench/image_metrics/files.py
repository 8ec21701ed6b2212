"""Images from files: a folder of pictures, or one array in a `.npy` or `.npz` file."""

import logging
import os
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from jaxtyping import UInt8

from rgm_bench.data.contents import PICTURE_SUFFIXES
from rgm_bench.data.folder import picture_folder, shown
from rgm_bench.data.pictures import is_grey, read_all, read_rgb
from rgm_bench.data.value_range import note_range
from rgm_bench.errors import DataError, MissingDataError
from rgm_bench.image_metrics.image_set import ImageSet, some_of
from rgm_bench.metrics.fidelity import BLOCK
from rgm_bench.types import ByteImage

ARRAY_SUFFIXES = (".npy", ".npz")
Array: TypeAlias = UInt8[np.ndarray, "n height width channels"]

log = logging.getLogger(__name__)


def open_images(path: Path, *, num: int | None = None, seed: int = 0) -> ImageSet:
    """Images of a folder, in the order of their paths, or of an array file, in its order.

    An array is uint8, `n x height x width` or with 1 or 3 channels at the end; of several in one
    `.npz` file it is `arr_0`. Pictures are upright, in RGB, and as large as they are: resizing
    would change every score.

    Args:
        path: of a folder, with pictures in folders of any depth, or of an array file.
        num: how many to take, at random; None for all.
        seed: of that choice.

    Raises:
        MissingDataError: there is nothing at `path`, or no picture below it.
        DataError: a file is corrupt, of another form or of another size than the first, or there
            are fewer than `num`.
    """
    # not Path.is_dir, which raises where a folder above may not be entered
    if os.path.isdir(path):
        return _of_folder(path, num=num, seed=seed)
    if not os.path.isfile(path):
        raise MissingDataError(f"{shown(path)}: no such folder or file")
    if path.suffix.lower() not in ARRAY_SUFFIXES:
        raise DataError(
            f"{shown(path)} holds no images that can be measured: expected a folder of pictures "
            f"({', '.join(PICTURE_SUFFIXES)}), or an array ({', '.join(ARRAY_SUFFIXES)})"
        )
    return _of_array(path, num=num, seed=seed)


# --- pictures ---------------------------------------------------------------------------------


def _of_folder(folder: Path, *, num: int | None, seed: int) -> ImageSet:
    title, found = shown(folder), picture_folder(folder)
    if not found.paths:
        raise MissingDataError(f"{title}: no pictures ({', '.join(PICTURE_SUFFIXES)}) below it")
    if found.note:
        log.warning("%s", found.note)
    chosen = some_of(len(found.paths), num, title=title, seed=seed)
    paths = tuple(found.paths[index] for index in chosen)
    # most misfits show in the headers, long before the last picture is seen
    all_grey = all(list(read_all(paths, is_grey)))
    width, height = read_rgb(paths[0]).size
    note_range(title, (np.asarray(read_rgb(path)) for path in paths))
    return ImageSet(
        title=title,
        shape=(1 if all_grey else 3, height, width),
        num=len(paths),
        blocks=partial(_picture_blocks, paths, (height, width), all_grey=all_grey),
        name_of=lambda index: shown(paths[index]),
    )


def _picture_blocks(
    paths: Sequence[Path], size: tuple[int, int], *, all_grey: bool
) -> Iterator[ByteImage]:
    def of_size(path: Path) -> UInt8[np.ndarray, "height width 3"]:
        picture = read_rgb(path)
        if picture.size != size[::-1]:
            raise DataError(
                f"{shown(path)} has {picture.height} x {picture.width} pixels, and "
                f"{shown(paths[0])} has {size[0]} x {size[1]}: all pictures have to be of one size"
            )
        return np.asarray(picture)

    pictures = read_all(paths, of_size)
    while some := list(islice(pictures, BLOCK)):
        block = torch.from_numpy(np.stack(some)).permute(0, 3, 1, 2).contiguous()
        yield block[:, :1] if all_grey else block


# --- arrays -----------------------------------------------------------------------------------


def _of_array(path: Path, *, num: int | None, seed: int) -> ImageSet:
    array = _read_array(path)
    indices = some_of(len(array), num, title=shown(path), seed=seed)
    height, width, channels = array.shape[1:]
    note_range(shown(path), (array[index] for index in indices))
    return ImageSet(
        title=shown(path),
        shape=(channels, height, width),
        num=len(indices),
        blocks=partial(_array_blocks, array, indices),
        name_of=lambda index: f"{shown(path)}, image {indices[index]}",
    )


def _read_array(path: Path) -> Array:
    try:
        # never unpickles; a large .npy is read as it is used
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        array = loaded if isinstance(loaded, np.ndarray) else _the_array(path, loaded)
    except DataError:
        raise
    except Exception as error:  # numpy, zip, zlib and the parser of headers each raise their own
        raise DataError(f"{shown(path)} cannot be read as an array: {error}") from error
    if array.ndim == 3:
        array = array[..., None]
    if (
        array.dtype != np.uint8
        or array.ndim != 4
        or array.shape[-1] not in (1, 3)
        or not array.size
    ):
        raise DataError(
            f"{shown(path)} holds {array.dtype} of {' x '.join(map(str, array.shape))}; expected "
            "uint8 of n x height x width, or of n x height x width x channels with 1 or 3 channels"
        )
    return array


def _the_array(path: Path, archive: Any) -> np.ndarray[Any, Any]:
    names = list(archive.files)
    name = "arr_0" if "arr_0" in names or len(names) != 1 else names[0]
    if name not in names:
        found = ", ".join(names) or "nothing"
        raise DataError(f"{shown(path)} holds {found}; expected one array, or one named arr_0")
    return cast("np.ndarray[Any, Any]", archive[name])


def _array_blocks(array: Array, indices: Sequence[int]) -> Iterator[ByteImage]:
    for first in range(0, len(indices), BLOCK):
        pixels = np.ascontiguousarray(array[list(indices[first : first + BLOCK])])
        yield torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
