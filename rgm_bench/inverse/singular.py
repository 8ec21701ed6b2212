"""Singular value decompositions A = U diag(s) V^T of operators, at the size of an image.

V is a symmetric orthogonal map for every operator here, so it is its own inverse and one function
stands for V and V^T. U needs no code of its own: U^T y = V^T A^T y / s.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import final

import torch
import torch.nn.functional as F
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
class SingularBasis:
    """The decomposition of one operator for images of one size.

    Args:
        operator: A.
        transform: V, which is V^T too: image -> coefficients, in the form of an image, and back.
        values: s, for each coefficient; 0 for what the operator cannot see. A batch of one.
    """

    operator: LinearOperator
    transform: Callable[[Image], Image]
    values: Image

    def measured(self, y: FeatureMap) -> Image:
        """U^T y; 0 where s is 0."""
        return self._over_values(self.transform(self.operator.adjoint(y)))

    def measurement(self, coefficients: Image) -> FeatureMap:
        """U times the coefficients; those where s is 0 are not looked at."""
        return self.operator.apply(self.transform(self._over_values(coefficients)))

    def _over_values(self, coefficients: Image) -> Image:
        return torch.where(self.values > 0, coefficients / self.values, 0)


def singular_basis(operator: LinearOperator, like: Image) -> SingularBasis:
    """The decomposition of `operator` for images of the size, type and device of `like`.

    Raises:
        ValueError: it is not known for this operator.
    """
    values = torch.zeros_like(like[:1])
    match operator:
        case Identity():
            return SingularBasis(
                operator=operator, transform=_unchanged, values=torch.ones_like(values)
            )
        case Inpainting():
            seen = operator.apply(torch.ones_like(values))
            return SingularBasis(operator=operator, transform=_unchanged, values=seen)
        case BlockAverage(factor=factor):
            values[..., ::factor, ::factor] = 1 / factor
            return SingularBasis(
                operator=operator, transform=lambda x: _reflect_blocks(x, factor), values=values
            )
        case ChannelMean(weights=weights):
            values[:, 0] = sqrt(operator.gain)
            return SingularBasis(
                operator=operator, transform=lambda x: _reflect(x, weights, dim=1), values=values
            )
        case Blur():
            return SingularBasis(
                operator=operator, transform=_hartley, values=_blur_values(operator, values)
            )
        case _:
            raise ValueError(
                f"no singular value decomposition is known for {type(operator).__name__}; "
                "there is one for identity, inpainting, block average, channel mean and blur"
            )


def _unchanged(x: Image) -> Image:
    return x


def _reflect(x: Tensor, weights: Sequence[float], dim: int) -> Tensor:
    """The Householder reflection along `dim` that takes the weighted sum to the first place.

    The first coefficient is the sum divided by the norm of the weights; the others are whatever
    makes the map orthogonal.
    """
    normal = x.new_tensor(weights)
    normal = normal / normal.norm()
    normal[0] -= 1
    if not normal.any():
        return x
    normal = normal.reshape(-1, *[1] * (x.ndim - dim - 1))
    return x - (2 / normal.square().sum()) * normal * (normal * x).sum(dim, keepdim=True)


def _reflect_blocks(x: Image, factor: int) -> Image:
    """`_reflect` of each block; the coefficient of its mean lies at its first pixel."""
    pixels = F.pixel_unshuffle(x, factor).unflatten(1, (x.shape[1], factor**2))
    return F.pixel_shuffle(_reflect(pixels, [1.0] * factor**2, dim=2).flatten(1, 2), factor)


def _hartley(x: Image) -> Image:
    """The Hartley transform: real, symmetric, orthogonal.

    Images that differ by the sign of a frequency share a plane, so it turns every map that treats a
    frequency and its negative alike into a product.

    Source: Bracewell 1983, with the kernel cos + sin of the summed angles of both axes.
    """
    spectrum = torch.fft.fft2(x, norm="ortho")
    return spectrum.real - spectrum.imag


def _blur_values(blur: Blur, like: Image) -> Image:
    """The sizes of the blur's transfer; 0 where it is nothing but rounding, as the blur has it."""
    point = torch.zeros_like(like)
    point[..., 0, 0] = 1
    sizes = torch.fft.fft2(blur.apply(point)).abs()
    least = torch.finfo(like.dtype).eps * max(like.shape[-2:]) * sizes.max()
    return torch.where(sizes > least, sizes, 0)
