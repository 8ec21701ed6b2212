"""Linear operators that degrade images, with what restoring needs of them.

An operator here is a matrix A that is never written out: `apply` is A x and `adjoint` its
transpose. Measurements keep the form of images, `batch channel height width`, in sizes of their
own. `blur.py` holds the operators that are diagonal in frequency.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Shaped
from torch import Tensor

from rgm_bench.types import FeatureMap, Image

PUBLISHED_WEIGHTS = (0.3333, 0.3334, 0.3333)
"""Red, green and blue in the colour loss of Choi et al. 2023's published code."""


class LinearOperator(ABC):
    """A linear map from images to measurements."""

    @abstractmethod
    def apply(self, x: Image) -> FeatureMap:
        """A x."""

    @abstractmethod
    def adjoint(self, y: FeatureMap) -> Image:
        """A^T y, so that <A x, y> = <x, A^T y>."""

    @abstractmethod
    def pseudo_inverse(self, y: FeatureMap) -> Image:
        """The Moore-Penrose inverse of A times y: of all best explanations of y the shortest."""

    @abstractmethod
    def prox(self, x: Image, y: FeatureMap, weight: float) -> Image:
        """The image u that minimises weight / 2 * ||A u - y||^2 + ||u - x||^2 / 2."""

    def to(self, device: torch.device) -> None:  # noqa: B027, most operators hold no tensors
        """Move the tensors that the operator holds, if any, to `device`."""


class TightOperator(LinearOperator):
    """An operator that scales all it does not take out alike: A A^T A = gain * A.

    So A^T / gain is its pseudo-inverse, and its prox needs no equation solved.
    """

    @property
    @abstractmethod
    def gain(self) -> float:
        """The square of its singular values, of which all but the zeros are equal."""

    @final
    def pseudo_inverse(self, y: FeatureMap) -> Image:
        """A^T y / gain."""
        return self.adjoint(y) / self.gain

    @final
    def prox(self, x: Image, y: FeatureMap, weight: float) -> Image:
        """X, moved along A^T by a share of what it leaves unexplained."""
        share = weight / (1 + weight * self.gain)
        return x + share * self.adjoint(y - self.apply(x))


@final
class Identity(TightOperator):
    """The image itself: the operator of denoising."""

    @property
    def gain(self) -> float:
        """One."""
        return 1.0

    def apply(self, x: Image) -> FeatureMap:
        """The image."""
        return x

    def adjoint(self, y: FeatureMap) -> Image:
        """The measurement."""
        return y


@final
class BlockAverage(TightOperator):
    """Means of square blocks of pixels: a measurement is the image, `factor` times smaller.

    Source: Choi et al. 2023, super-resolution.

    Args:
        factor: side of a block in pixels.

    Raises:
        ValueError: the factor is below 1, or, when applied, the blocks do not fill the image.
    """

    def __init__(self, factor: int) -> None:
        if factor < 1:
            raise ValueError(f"blocks of {factor} pixels a side; the least is 1")
        self.factor = factor

    @property
    def gain(self) -> float:
        """One over the number of pixels in a block."""
        return 1 / self.factor**2

    def apply(self, x: Image) -> FeatureMap:
        """The mean of every block."""
        height, width = x.shape[-2:]
        if height % self.factor or width % self.factor:
            raise ValueError(
                f"blocks of {self.factor}x{self.factor} pixels do not fill images of "
                f"{height}x{width}; height and width must be multiples of {self.factor}"
            )
        return F.avg_pool2d(x, self.factor)

    def adjoint(self, y: FeatureMap) -> Image:
        """Every mean over its whole block, divided by the number of pixels in it."""
        rows = (y * self.gain).repeat_interleave(self.factor, dim=-2)
        return rows.repeat_interleave(self.factor, dim=-1)


@final
class ChannelMean(TightOperator):
    """A weighted mean over channels: a measurement is a picture of one channel.

    Source: Choi et al. 2023, colorization, with the weights of the published code.

    Args:
        weights: one for each channel.

    Raises:
        ValueError: all weights are zero, or, when applied, images have another number of channels.
    """

    def __init__(self, weights: Sequence[float] = PUBLISHED_WEIGHTS) -> None:
        if not any(weights):
            raise ValueError(f"weights of channels {tuple(weights)}; one at least must not be 0")
        self.weights = tuple(weights)

    @property
    def gain(self) -> float:
        """The sum of the squared weights."""
        return sum(weight**2 for weight in self.weights)

    def apply(self, x: Image) -> FeatureMap:
        """The weighted sum of the channels."""
        if x.shape[1] != len(self.weights):
            raise ValueError(
                f"images of {x.shape[1]} channels; the mean has weights for {len(self.weights)}"
            )
        return (x * self._weights(x)).sum(1, keepdim=True)

    def adjoint(self, y: FeatureMap) -> Image:
        """The one channel, times the weight of each."""
        return y * self._weights(y)

    def _weights(self, like: Tensor) -> Tensor:
        return like.new_tensor(self.weights).reshape(1, -1, 1, 1)


@final
class Inpainting(TightOperator):
    """Hides pixels: a measurement has the size of the image, and zeros where it is hidden.

    What a measurement says of hidden pixels is ignored.

    Args:
        mask: 1 or true where the image is seen, 0 or false where it is hidden; of the size of an
            image, or of a size that broadcasts to it.

    Raises:
        ValueError: an entry of the mask is neither 0 nor 1.
    """

    def __init__(self, mask: Shaped[Tensor, "*event"]) -> None:
        if ((mask != 0) & (mask != 1)).any():
            raise ValueError(
                f"a mask with entries from {mask.min().item()} to {mask.max().item()}; "
                "1 is a pixel that is seen and 0 a hidden one, and there is nothing between"
            )
        self.mask = mask

    @classmethod
    def centred_box(cls, *, height: int, width: int, side: int) -> "Inpainting":
        """Hides a square in the middle of images of `height` x `width` pixels.

        One pixel nearer to the top and to the left where the middle falls between two pixels.

        Raises:
            ValueError: the square has no side, or is larger than the image.
        """
        if not 0 < side <= min(height, width):
            raise ValueError(
                f"a hidden square of side {side} in images of {height}x{width}; "
                f"its side must be from 1 to {min(height, width)}"
            )
        mask = torch.ones(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        mask[top : top + side, left : left + side] = 0
        return cls(mask)

    @property
    def gain(self) -> float:
        """One."""
        return 1.0

    def to(self, device: torch.device) -> None:
        """Move the mask to `device`."""
        self.mask = self.mask.to(device)

    def apply(self, x: Image) -> FeatureMap:
        """The image where it is seen, 0 elsewhere."""
        return x * self.mask.to(x)

    def adjoint(self, y: FeatureMap) -> Image:
        """The measurement where the image is seen, 0 elsewhere."""
        return y * self.mask.to(y)


@final
class Projection(TightOperator):
    """A^+ A: the part of an image that `operator` can see, at the size of the image.

    Symmetric and idempotent, with the null space of A. Of block means it is the small image
    upsampled again, each mean over its whole block.

    Source: the form in which Choi et al. 2023 use an operator in a forward process: an
    observation that a network can read at every level alike.

    Args:
        operator: A.
    """

    def __init__(self, operator: LinearOperator) -> None:
        self.operator = operator

    @property
    def gain(self) -> float:
        """One."""
        return 1.0

    def to(self, device: torch.device) -> None:
        """Move the tensors of the operator to `device`."""
        self.operator.to(device)

    def apply(self, x: Image) -> FeatureMap:
        """A^+ A x."""
        return self.operator.pseudo_inverse(self.operator.apply(x))

    def adjoint(self, y: FeatureMap) -> Image:
        """A^+ A y: a projection onto a space along its complement is its own transpose."""
        return self.apply(y)
