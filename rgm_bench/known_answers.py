"""Known answers: scores of real images by our path, and by a path that is not ours."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch

from rgm_bench.data.contents import DataKind
from rgm_bench.data.images import first_images
from rgm_bench.data.location import locate
from rgm_bench.errors import MissingDataError
from rgm_bench.metrics.extractors import ExtractorName
from rgm_bench.metrics.fidelity import (
    BLOCK,
    Extractor,
    fid_by_torch_fidelity,
    frechet_distance,
    statistics,
)
from rgm_bench.metrics.inception import find_inception
from rgm_bench.types import ByteImage

TOLERANCE = 1e-6
"""Largest relative difference that batches of other sizes explain: features are float32."""

INCEPTION_IMAGES = 2500
"""Images of either side that Inception sees: more than its 2048 features, so that no covariance is
singular. They take minutes on a CPU and, of 256x256 pixels, 1 GB for both sides. The small
classifiers see all there are."""

EXTRACTORS: Mapping[DataKind, ExtractorName] = {
    "digits": "digits_cnn_v1",
    "fashion_mnist": "fashion_mnist_cnn_v1",
    "natural_patches": "patches16_cnn_v1",
    "cifar10": "inception_v3_compat",
    "celeba_hq_256": "inception_v3_compat",
    "lsun_church": "inception_v3_compat",
}
"""The network that sees the images of a data set."""


@final
@dataclass(frozen=True)
class FidAnswer:
    """FID of real training images against other real images, by both paths.

    The others are test images, but for LSUN church: its 300 are too few for Inception, and the next
    training images stand for them.
    """

    data: DataKind
    extractor: ExtractorName
    num_train: int
    num_other: int
    ours: float
    theirs: float

    @property
    def difference(self) -> float:
        """Relative to the answer of the other path."""
        return abs(self.ours - self.theirs) / abs(self.theirs)

    @property
    def agrees(self) -> bool:
        """Whether the paths differ by rounding alone; not-a-number never agrees."""
        return self.difference <= TOLERANCE


@final
@dataclass(frozen=True)
class Skipped:
    """A data set without an answer on this machine, and why."""

    data: DataKind
    reason: str


def fid_answers(device: torch.device) -> Iterator[FidAnswer | Skipped]:
    """An answer for each data set that is on this machine with its extractor.

    Nothing is downloaded.

    Args:
        device: where extractors run.
    """
    for data, extractor in EXTRACTORS.items():
        reason = _missing(data, extractor)
        if reason is not None:
            yield Skipped(data, reason)
            continue
        yield fid_answer(data, extractor, *both_sides(data, extractor), device)


def both_sides(data: DataKind, extractor: ExtractorName) -> tuple[ByteImage, ByteImage]:
    """Training images of a data set and the other ones, as many as the extractor is to see."""
    most = INCEPTION_IMAGES if extractor == "inception_v3_compat" else sys.maxsize
    if data == "lsun_church":
        train = first_images(kind=data, split="train", num=2 * most)
        return train[:most], train[most:]
    size = 16 if data == "natural_patches" else None
    train = first_images(kind=data, split="train", num=most, image_size=size)
    return train, first_images(kind=data, split="test", num=most, image_size=size)


def fid_answer(
    data: DataKind,
    extractor: ExtractorName,
    train: ByteImage,
    other: ByteImage,
    device: torch.device,
) -> FidAnswer:
    """FID of `train` against `other` by both paths.

    Args:
        data: what the images are of.
        extractor: that sees them.
        train: training images.
        other: images that `train` is not to be told from.
        device: where the extractor runs.
    """
    network = Extractor(extractor, device=device)
    first, second = (
        # a block at a time, which takes no copy of them all
        statistics(network.features(images.split(BLOCK)))
        for images in (train, other)
    )
    return FidAnswer(
        data=data,
        extractor=extractor,
        num_train=len(train),
        num_other=len(other),
        ours=frechet_distance(first, second),
        theirs=fid_by_torch_fidelity(extractor, train, other, device=device),
    )


def _missing(data: DataKind, extractor: ExtractorName) -> str | None:
    try:
        locate(data, split="train")
        locate(data, split="test")
    except MissingDataError:
        return "not on this machine; `rgm-bench data` says how to get it"
    if extractor == "inception_v3_compat" and find_inception() is None:
        return f"the weights of {extractor} are not on this machine"
    return None
