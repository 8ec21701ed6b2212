"""Images of every kind of data set as one `uint8` tensor, and the scale that networks see.

Small sets are held in memory (CIFAR-10 takes 154 MB). Image folders, CelebA-HQ and LSUN church are
decoded once into `<data root>/decoded`, the last two in 4.8 and 23.6 GB for their training sets,
and read from there as they are used.
"""

from typing import assert_never

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from rgm_bench.data.celeba_hq import first_of_celeba_hq, read_celeba_hq
from rgm_bench.data.cifar10 import read_cifar10
from rgm_bench.data.contents import NUM_IMAGES, DataKind, Split
from rgm_bench.data.digits import read_digits
from rgm_bench.data.fingerprint import folder_fingerprint
from rgm_bench.data.idx import read_fashion_mnist
from rgm_bench.data.location import locate, photograph_files
from rgm_bench.data.lsun import first_of_lsun_church, read_lsun_church
from rgm_bench.data.patches import read_patches
from rgm_bench.data.pictures import read_pictures


def load_images(
    *,
    kind: DataKind,
    split: Split,
    name: str | None = None,
    image_size: int | None = None,
    fingerprint: str | None = None,
) -> UInt8[Tensor, "n channels height width"]:
    """All images of a split, in the order of its files.

    Args:
        kind: which data set.
        split: which part of it.
        name: of an image folder; None for every other kind.
        image_size: height and width that an image folder is resized to, or of natural patches, 16
            or 32; None for every other kind.
        fingerprint: of the content that an image folder, or a subset in the form of CIFAR-10 or
            Fashion-MNIST, has to have; None takes a folder as it is, and the others as published.

    Raises:
        MissingDataError: the data set is not on this machine.
        DataError: a file of it is truncated, corrupt or of another format, or it is another one.
    """
    folder = locate(kind, name=name, split=split)
    match kind:
        case "digits":
            return read_digits(split)[0]
        case "fashion_mnist":
            return read_fashion_mnist(folder, split, content=fingerprint)[0]
        case "cifar10":
            return read_cifar10(folder, split, content=fingerprint)[0]
        case "natural_patches":
            if image_size not in (16, 32):
                raise ValueError(f"natural_patches needs an image_size of 16 or 32: {image_size}")
            return read_patches(photograph_files(split), split, image_size)
        case "celeba_hq_256":
            return read_celeba_hq(folder, split, num=NUM_IMAGES[kind, split])
        case "lsun_church":
            return read_lsun_church(folder, split, num=NUM_IMAGES[kind, split])
        case "image_folder":
            if image_size is None:
                raise ValueError("an image folder needs an image_size")
            if name is None:
                raise ValueError("an image folder needs a name")
            content = fingerprint or folder_fingerprint(folder)
            return read_pictures(folder, image_size, name=f"{name}-{split}", content=content)
        case _:
            assert_never(kind)


def first_images(
    *, kind: DataKind, split: Split, num: int, image_size: int | None = None
) -> UInt8[Tensor, "n channels height width"]:
    """The first `num` images of `load_images`, or all where there are fewer.

    Of CelebA-HQ and LSUN church only these are decoded, into memory.

    Args:
        kind: which data set, other than an image folder.
        split: which part of it.
        num: of images.
        image_size: as of `load_images`.

    Raises:
        MissingDataError: the data set is not on this machine.
        DataError: a file of it is truncated, corrupt or of another format.
    """
    match kind:
        case "celeba_hq_256":
            return first_of_celeba_hq(locate(kind, split=split), split, num=num)
        case "lsun_church":
            return first_of_lsun_church(locate(kind, split=split), split, num=num)
        case _:
            return load_images(kind=kind, split=split, image_size=image_size)[:num]


def load_labels(
    *, kind: DataKind, split: Split, fingerprint: str | None = None
) -> Int64[Tensor, " n"]:
    """The class of each image of `load_images`, for the kinds that have classes.

    Args:
        kind: which data set.
        split: which part of it.
        fingerprint: as of `load_images`.

    Raises:
        MissingDataError: the data set is not on this machine.
        DataError: a file of it is truncated, corrupt or of another format.
    """
    match kind:
        case "digits":
            return read_digits(split)[1]
        case "fashion_mnist":
            return read_fashion_mnist(locate(kind, split=split), split, content=fingerprint)[1]
        case "cifar10":
            return read_cifar10(locate(kind, split=split), split, content=fingerprint)[1]
        case "natural_patches" | "celeba_hq_256" | "lsun_church" | "image_folder":
            raise ValueError(f"{kind} has no labels")
        case _:
            assert_never(kind)


def to_unit_range(
    images: UInt8[Tensor, "n channels height width"],
) -> Float[Tensor, "n channels height width"]:
    """Pixels 0 to 255 as float32 in [-1, 1]."""
    return images.to(torch.float32) / 127.5 - 1


def to_uint8(
    images: Float[Tensor, "n channels height width"],
) -> UInt8[Tensor, "n channels height width"]:
    """Pixels in [-1, 1] as 0 to 255: rounded to the nearest, halves to even, outside clamped.

    Gives back exactly what `to_unit_range` was given. Not a number has no pixel: ask before.
    """
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
