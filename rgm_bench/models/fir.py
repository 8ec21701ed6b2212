"""Halving and doubling of images behind the binomial low-pass filter (1, 3, 3, 1).

The filter sums to 1, and to 4 when doubling, so that a constant image stays the same away from its
border; beyond the border an image counts as zero.

Source: Karras et al. 2020 (StyleGAN2), Appendix B; exact convolutions.
"""

from functools import lru_cache
from typing import Literal, assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rgm_bench.types import FeatureMap, Image

Operation = Literal["down", "up", "blur"]
"""Half the size, twice the size, or one pixel more for a strided convolution to follow."""

DENSE_PIXELS = 256
"""Up to so many pixels a CPU multiplies by the whole matrix, 4 to 40 times as fast as it convolves
one channel at a time; the backward pass of such a convolution is slowest of all.
"""


def resample(x: Image, operation: Operation) -> FeatureMap:
    """Filter each channel of `x`, then halve (`down`), or double before filtering (`up`).

    `blur` filters only and gives one row and one column more than `x` has.
    """
    height, width = x.shape[2:]
    small = x.device.type == "cpu" and height * width <= DENSE_PIXELS
    if not small or torch.compiler.is_compiling():  # a compiler has convolutions of its own
        return _convolve(x, operation)
    matrix = torch.from_numpy(_matrix(operation, height, width)).to(x.dtype)
    return (x.flatten(2) @ matrix).unflatten(2, _output_size(operation, height, width))


def _output_size(operation: Operation, height: int, width: int) -> tuple[int, int]:
    match operation:
        case "down":
            return height // 2, width // 2
        case "up":
            return 2 * height, 2 * width
        case "blur":
            return height + 1, width + 1
        case _:
            assert_never(operation)


def _convolve(x: Image, operation: Operation) -> FeatureMap:
    channels = x.shape[1]
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype, device=x.device) / 8
    kernel = torch.outer(taps, taps).expand(channels, 1, 4, 4)
    match operation:
        case "down":
            return functional.conv2d(x, kernel, stride=2, padding=1, groups=channels)
        case "up":
            return functional.conv_transpose2d(x, 4 * kernel, stride=2, padding=1, groups=channels)
        case "blur":
            return functional.conv2d(x, kernel, padding=2, groups=channels)
        case _:
            assert_never(operation)


@lru_cache(maxsize=64)
def _matrix(operation: Operation, height: int, width: int) -> NDArray[np.float32]:
    """What the convolution does to each pixel alone: a row for each pixel of the input."""
    pixels: Tensor = torch.eye(height * width).reshape(-1, 1, height, width)
    return _convolve(pixels, operation).flatten(1).numpy()
