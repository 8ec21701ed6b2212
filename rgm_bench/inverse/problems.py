"""Inverse problems: y = A x0 + noise_std * noise, with A and noise_std known."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from rgm_bench.forward.blur import Blur
from rgm_bench.forward.operators import (
    BlockAverage,
    ChannelMean,
    Identity,
    Inpainting,
    LinearOperator,
)
from rgm_bench.types import FeatureMap, Image


@final
@dataclass(frozen=True, kw_only=True)
class InverseProblem:
    """What was done to an image, as far as a solver may know.

    Args:
        operator: A.
        noise_std: standard deviation of the noise on a measurement, in units of pixels that go
            from -1 to 1: twice what it is on pixels from 0 to 1.
        name: a word for tables.

    Raises:
        ValueError: the standard deviation is below 0.
    """

    operator: LinearOperator
    noise_std: float = 0.0
    name: str

    def __post_init__(self) -> None:
        if not self.noise_std >= 0:
            raise ValueError(f"{self.name}: noise of std {self.noise_std}; it must be 0 or more")

    def draw_noise(self, x0: Image, rng: torch.Generator) -> FeatureMap:
        """Unit normal noise of the size that measurements of `x0` have."""
        size = self.operator.apply(x0).shape
        return torch.randn(size, generator=rng, device=rng.device, dtype=x0.dtype)

    def observe(self, x0: Image, noise: FeatureMap) -> FeatureMap:
        """The measurement of `x0`.

        Args:
            x0: the clean image.
            noise: unit normal, of the size of the measurement.
        """
        return self.operator.apply(x0) + self.noise_std * noise

    def lift(self, y: FeatureMap) -> Image:
        """The measurement at the size of an image: where a solver starts.

        The pseudo-inverse; of block means it is the small image with each pixel repeated over its
        block. With two exceptions: a grey picture is repeated in every channel, as published, which
        with unequal weights is not quite the pseudo-inverse; and a blurred image is taken as it is,
        because the pseudo-inverse of a blur enlarges noise without bound.

        Source: the published code of Choi et al. 2023 for block means, channel means and denoising.
        """
        match self.operator:
            case ChannelMean(weights=weights):
                return y.repeat(1, len(weights), 1, 1)
            case Blur():
                return y
            case _:
                return self.operator.pseudo_inverse(y)


def super_resolution(factor: int, *, noise_std: float = 0.0) -> InverseProblem:
    """Back to the full size from means over blocks of `factor` x `factor` pixels."""
    name = f"super_resolution_x{factor}"
    return InverseProblem(operator=BlockAverage(factor), noise_std=noise_std, name=name)


def colorization(*, noise_std: float = 0.0) -> InverseProblem:
    """Back to three channels from their mean, with the published weights."""
    return InverseProblem(operator=ChannelMean(), noise_std=noise_std, name="colorization")


def denoising(noise_std: float) -> InverseProblem:
    """Back from noise alone, of `noise_std` in units of pixels from -1 to 1."""
    return InverseProblem(operator=Identity(), noise_std=noise_std, name=f"denoising_{noise_std:g}")


def inpainting(mask: Shaped[Tensor, "*event"], *, noise_std: float = 0.0) -> InverseProblem:
    """Back to the whole image from the pixels where `mask` is 1."""
    return InverseProblem(operator=Inpainting(mask), noise_std=noise_std, name="inpainting")


def deblurring(
    kernel: Float[Tensor, "kernel_height kernel_width"], *, noise_std: float = 0.0
) -> InverseProblem:
    """Back from circular convolution with `kernel`."""
    return InverseProblem(operator=Blur(kernel), noise_std=noise_std, name="deblurring")
