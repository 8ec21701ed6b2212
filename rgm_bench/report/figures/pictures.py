"""Pictures: the first tiles of a grid that an evaluation stored, laid out anew."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from rgm_bench.errors import StoreError

TILES_A_ROW = 8
"""Images in a row of every grid that an evaluation stores."""

Pixels = np.ndarray[Any, Any]


def first_tiles(path: Path, images: int) -> list[Pixels]:
    """The first images of a grid, each a square of uint8, grey or RGB.

    Raises:
        StoreError: the file is no picture.
    """
    try:
        with Image.open(path) as file:
            grid = np.asarray(file if file.mode in ("L", "RGB") else file.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow meets in a damaged file
        raise StoreError(
            f"{path}: not readable as a picture ({error}); remove its folder, and `rgm-bench run` "
            "of its study makes it again"
        ) from error
    size = grid.shape[1] // TILES_A_ROW
    return [
        grid[top : top + size, left : left + size]
        for top in range(0, grid.shape[0] - size + 1, size)
        for left in range(0, size * TILES_A_ROW, size)
    ][:images]


def laid_out(tiles: Sequence[Pixels], *, columns: int) -> Pixels:
    """The tiles in whole rows of `columns`, with white between them."""
    gap = max(1, tiles[0].shape[0] // 8)
    edge = [(0, gap), (0, gap), (0, 0)][: tiles[0].ndim]
    framed = [np.pad(tile, edge, constant_values=255) for tile in tiles]
    whole = len(framed) // columns * columns
    rows = [framed[start : start + columns] for start in range(0, whole, columns)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])[:-gap, :-gap]


def draw_pixels(axes: Axes, pixels: Pixels) -> None:
    """Show pictures as they are, pixel by pixel."""
    axes.imshow(pixels, interpolation="none", cmap="gray", vmin=0, vmax=255)
