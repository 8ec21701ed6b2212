"""Pictures as RGB, and a folder of them, each cropped to the square in the middle and resized."""

from collections.abc import Iterable
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps
from torch import Tensor

from rgm_bench.data.location import picture_files
from rgm_bench.errors import DataError, MissingDataError


def read_pictures(folder: Path, image_size: int) -> UInt8[Tensor, "n 3 size size"]:
    """All pictures below `folder`, ordered by path, `image_size` pixels high and wide.

    Raises:
        MissingDataError: there are none.
        DataError: one of them cannot be read.
    """
    paths = picture_files(folder)
    if not paths:
        raise MissingDataError(f"{folder} holds no pictures")
    pixels = np.empty((len(paths), image_size, image_size, 3), np.uint8)
    for row, path in zip(pixels, paths, strict=True):
        row[:] = centre_square(read_rgb(path), image_size)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def gathered(
    pictures: Iterable[UInt8[np.ndarray, "size size 3"]], *, num: int, image_size: int
) -> UInt8[Tensor, "n 3 size size"]:
    """The first `num` of `pictures` in memory, or all where there are fewer.

    Args:
        pictures: as wanted, in order; no more than `num` are made.
        num: of pictures.
        image_size: height and width of each.
    """
    pixels = np.empty((num, image_size, image_size, 3), np.uint8)
    count = 0
    for count, picture in enumerate(islice(pictures, num), 1):
        pixels[count - 1] = picture
    return torch.from_numpy(pixels[:count]).permute(0, 3, 1, 2)


def read_rgb(source: Path | BytesIO, *, name: str | None = None) -> Image.Image:
    """A picture, upright and in RGB.

    Args:
        source: a file, or its bytes.
        name: what errors call it; by default its path.

    Raises:
        DataError: it cannot be read as a picture.
    """
    try:
        with Image.open(source) as opened:
            return ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{name or source} cannot be read as a picture: {error}; replace or remove it"
        ) from error


def centre_square(picture: Image.Image, image_size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The largest square in the middle, resized; kept exactly where it has that size.

    Lanczos with its support scaled to the reduction, so that a small image shows no aliasing.
    """
    square = ImageOps.fit(picture, (image_size, image_size), Image.Resampling.LANCZOS)
    return np.asarray(square, dtype=np.uint8)
