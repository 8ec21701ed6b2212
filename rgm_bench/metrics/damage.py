"""Classes for images that have none: each image as it was taken, and damaged in seven known ways.

Which damage was done can be learnt from a few photographs and told on others, and it asks for
sharpness, noise, colour and what belongs beside what. The usual question of how an image was
turned (Gidaris et al. 2018) asks too much of so few: of natural patches it is learnt by heart and
answered by chance on other photographs, and features that answer it hardly see noise.

Source: the idea of Madhusudana et al. 2022 (CONTRIQUE: features for image quality from the kind
and degree of synthetic distortions). We use plain classification and fewer kinds; the quarters in
another order are from Noroozi and Favaro 2016 (jigsaw puzzles).
"""

import math
from itertools import permutations

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from rgm_bench.types import ByteImage

DAMAGES = (
    "as taken",
    "smoothed, 0.7 pixels",
    "smoothed, 1.5 pixels",
    "noise of 8 levels",
    "noise of 30 levels",
    "half its colour",
    "grey",
    "quarters in another order",
)
"""What the classes of `with_damages` are, in their order."""


def with_damages(
    images: ByteImage, *, seed: int
) -> tuple[UInt8[Tensor, " versions channel height width"], Int64[Tensor, " versions"]]:
    """Every image once for each of `DAMAGES`, and the number of what was done to it.

    Sorted by damage: first all images as taken. Some can be told by nobody: a smooth sky is the
    same with its quarters in another order.

    Args:
        images: square, of an even size above 6 pixels.
        seed: of the noise and of the orders.
    """
    generator = torch.Generator().manual_seed(seed)
    versions = (
        images,
        smoothed(images, 0.7),
        smoothed(images, 1.5),
        noisy(images, 8.0, generator),
        noisy(images, 30.0, generator),
        faded(images, 0.5),
        faded(images, 1.0),
        rearranged(images, generator),
    )
    return torch.cat(versions), torch.arange(len(versions)).repeat_interleave(len(images))


def smoothed(images: ByteImage, sigma: float) -> ByteImage:
    """Gaussian blur of standard deviation `sigma` in pixels, mirrored at the borders."""
    width = 2 * math.ceil(4 * sigma) + 1
    return gaussian_blur(images, [width, width], [sigma, sigma])


def noisy(images: ByteImage, std: float, generator: torch.Generator) -> ByteImage:
    """Independent Gaussian noise of standard deviation `std` levels of 255, clamped."""
    return _bytes(images + std * torch.randn(images.shape, generator=generator))


def faded(images: ByteImage, amount: float) -> ByteImage:
    """Mixed with the mean of its channels: 0 leaves an image as it is, 1 makes it grey."""
    grey = images.float().mean(1, keepdim=True)
    return _bytes(images + amount * (grey - images))


def rearranged(images: ByteImage, generator: torch.Generator) -> ByteImage:
    """The four quarters of each image in one of their 23 other orders."""
    count, channels, size, _ = images.shape
    half = size // 2
    orders = torch.tensor(list(permutations(range(4)))[1:])
    chosen = orders[torch.randint(len(orders), (count,), generator=generator)]
    rows = images.reshape(count, channels, 2, half, 2, half)
    quarters = rows.permute(0, 2, 4, 1, 3, 5).flatten(1, 2)
    moved = quarters[torch.arange(count)[:, None], chosen].unflatten(1, (2, 2))
    return moved.permute(0, 3, 1, 4, 2, 5).reshape(images.shape)


def _bytes(images: Float[Tensor, "batch channel height width"]) -> ByteImage:
    return images.round().clamp(0, 255).to(torch.uint8)
