"""2D points that an evaluation stored, and their density inside a frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from scipy.ndimage import gaussian_filter

from rgm_bench.errors import StoreError

Cloud = np.ndarray[Any, Any]
"""Points in the plane, a row each."""

BINS = 100
"""Cells of a density along each side of its frame."""

_SMOOTHING = 1.0
_MARGIN = 0.15


@final
@dataclass(frozen=True)
class Frame:
    """A square part of the plane, the same for every panel of a figure."""

    left: float
    bottom: float
    size: float

    @classmethod
    def around(cls, cloud: Cloud) -> "Frame":
        """The square that holds all points of a cloud with a margin."""
        low, high = cloud.min(0), cloud.max(0)
        size = float((high - low).max()) * (1 + 2 * _MARGIN) or 1.0
        left, bottom = (float(c) - size / 2 for c in (low + high) / 2)
        return cls(left, bottom, size)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top."""
        return self.left, self.left + self.size, self.bottom, self.bottom + self.size

    def density(self, cloud: Cloud) -> Cloud:
        """The share of the points in each cell, smoothed over a cell; rows go upwards.

        Points outside the frame count in the whole, so that they take nothing from nobody: the
        sum is the share of points inside, up to what the smoothing moves over the edge.
        """
        left, right, bottom, top = self.extent
        cells, _, _ = np.histogram2d(
            cloud[:, 1], cloud[:, 0], bins=BINS, range=((bottom, top), (left, right))
        )
        return gaussian_filter(cells / len(cloud), _SMOOTHING, mode="constant")

    def share_outside(self, cloud: Cloud) -> float:
        """The share of the points that the frame does not hold."""
        left, right, bottom, top = self.extent
        x, y = cloud[:, 0], cloud[:, 1]
        return float(1 - ((x >= left) & (x <= right) & (y >= bottom) & (y <= top)).mean())


def read_cloud(path: Path) -> Cloud:
    """The points of a file, float32 n x 2, those that are not finite left out.

    Raises:
        StoreError: the file holds something else.
    """
    try:
        points = np.load(path, allow_pickle=False)
    except (EOFError, OSError, ValueError) as error:  # an empty file ends too early
        raise StoreError(
            f"{path}: not readable as a NumPy file ({error}); remove its folder, and `rgm-bench "
            "run` of its study makes it again"
        ) from error
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or points.dtype.kind != "f":
        raise StoreError(
            f"{path}: found an array of {points.shape}, {points.dtype}; expected points, n x 2"
        )
    return points[np.isfinite(points).all(1)]


def frame_of(real: Cloud | None, others: Sequence[Cloud]) -> Frame:
    """A frame around the real points; without them around nearly all of the others."""
    if real is not None:
        return Frame.around(real)
    every = np.concatenate(others)
    low, high = np.quantile(every, [0.01, 0.99], axis=0)
    return Frame.around(np.clip(every, low, high))
