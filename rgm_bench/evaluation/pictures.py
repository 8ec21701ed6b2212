"""Grids of the first images of an evaluation, for people to look at."""

from io import BytesIO
from pathlib import Path

from PIL import Image as Picture

from rgm_bench.results.files import write_whole
from rgm_bench.types import ByteImage

GRID_IMAGES = 64
MIN_PIXELS = 32


def save_grid(images: ByteImage, path: Path) -> None:
    """The first 64 images, 8 in a row, each pixel repeated until an image is 32 pixels high."""
    images = images[:GRID_IMAGES].cpu()
    count, channels, height, width = images.shape
    columns = min(8, count)
    rows = count // columns
    grid = images[: rows * columns].reshape(rows, columns, channels, height, width)
    grid = grid.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    scale = max(1, -(-MIN_PIXELS // height))
    grid = grid.repeat_interleave(scale, 0).repeat_interleave(scale, 1).numpy()
    content = BytesIO()
    Picture.fromarray(grid.squeeze(-1) if channels == 1 else grid).save(content, "png")
    write_whole(path, content.getvalue())
