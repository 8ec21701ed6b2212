"""A folder of pictures: RGB, cropped to the square in the middle, resized."""

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

    Lanczos with its support scaled to the reduction, so that a small image shows no aliasing.

    Raises:
        MissingDataError: there are none.
        DataError: one of them cannot be read.
    """
    paths = picture_files(folder)
    if not paths:
        raise MissingDataError(f"{folder} holds no pictures")
    pixels = np.empty((len(paths), image_size, image_size, 3), np.uint8)
    for row, path in zip(pixels, paths, strict=True):
        row[:] = _read(path, image_size)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _read(path: Path, image_size: int) -> UInt8[np.ndarray, "size size 3"]:
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} cannot be read as a picture: {error}; replace or remove it"
        ) from error
    # fit() crops the largest centred rectangle of the wanted shape, then resizes it.
    square = ImageOps.fit(upright, (image_size, image_size), Image.Resampling.LANCZOS)
    return np.asarray(square, dtype=np.uint8)
