"""Blur by circular convolution. It is diagonal in frequency, so that its inverses are exact."""

import math
from typing import final

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from rgm_bench.forward.operators import LinearOperator
from rgm_bench.types import FeatureMap, Image

Spectrum = Complex[Tensor, "*planes height frequencies"]


@final
class Blur(LinearOperator):
    """Circular convolution of every channel with one kernel: images wrap around at their edges.

    A convolution turns the kernel around, so an image of one bright pixel becomes the kernel. A
    kernel larger than the image wraps around too.

    Args:
        kernel: of odd height and width; its middle is the weight of the pixel itself.

    Raises:
        ValueError: the height or the width of the kernel is even.
    """

    def __init__(self, kernel: Float[Tensor, "kernel_height kernel_width"]) -> None:
        if not all(size % 2 for size in kernel.shape):
            raise ValueError(
                f"a kernel of {kernel.shape[0]}x{kernel.shape[1]} has no pixel in its middle; "
                "height and width must be odd"
            )
        self.kernel = kernel

    @classmethod
    def gaussian(cls, std: float) -> "Blur":
        """A bell of standard deviation `std` pixels, cut off three of them from its middle.

        Its weights sum to one.
        """
        radius = math.ceil(3 * std)
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
        bell = torch.exp(-offsets.square() / (2 * std**2))
        kernel = torch.outer(bell, bell)
        return cls((kernel / kernel.sum()).float())

    def to(self, device: torch.device) -> None:
        """Move the kernel to `device`."""
        self.kernel = self.kernel.to(device)

    def apply(self, x: Image) -> FeatureMap:
        """The convolved image."""
        return _image(self._transfer(x) * _spectrum(x), x)

    def adjoint(self, y: FeatureMap) -> Image:
        """The convolution with the kernel turned around."""
        return _image(self._transfer(y).conj() * _spectrum(y), y)

    def pseudo_inverse(self, y: FeatureMap) -> Image:
        """Every frequency that the kernel leaves, divided by its transfer; zero at the others.

        Frequencies that the kernel all but takes out come back enlarged, and the noise of `y` with
        them. Those with less of the greatest transfer left than rounding can tell from nothing
        count as taken out.
        """
        transfer = self._transfer(y)
        power = transfer.abs()
        least = torch.finfo(y.dtype).eps * max(y.shape[-2:]) * power.max()
        inverse = torch.where(power > least, transfer.conj() / power.square(), 0)
        return _image(inverse * _spectrum(y), y)

    def prox(self, x: Image, y: FeatureMap, weight: float) -> Image:
        """The minimiser, frequency by frequency."""
        transfer = self._transfer(x)
        explained = _spectrum(x) + weight * transfer.conj() * _spectrum(y)
        return _image(explained / (1 + weight * transfer.abs().square()), x)

    def _transfer(self, like: Tensor) -> Spectrum:
        """What each frequency of images like these is multiplied with."""
        height, width = like.shape[-2:]
        kernel = self.kernel.to(like)
        rows, columns = (
            (torch.arange(size, device=like.device) - size // 2) % around
            for size, around in zip(kernel.shape, (height, width), strict=True)
        )
        picture = like.new_zeros(height, width)
        picture.index_put_((rows[:, None], columns), kernel, accumulate=True)
        return _spectrum(picture)


def _spectrum(x: Float[Tensor, "*planes height width"]) -> Spectrum:
    return torch.fft.rfft2(x)


def _image(spectrum: Spectrum, like: Image) -> Image:
    return torch.fft.irfft2(spectrum, s=like.shape[-2:])
