"""Known answers: scores of real images by our path, and by a path that is not ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch

from rgm_bench.data.contents import DataKind
from rgm_bench.data.images import load_images
from rgm_bench.data.location import locate
from rgm_bench.errors import MissingDataError
from rgm_bench.metrics.extractors import ExtractorName
from rgm_bench.metrics.fidelity import (
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
"""Images of each split that Inception sees: more than its 2048 features, so that no covariance is
singular, and minutes on a CPU. The small classifiers see all there are."""

EXTRACTORS: Mapping[DataKind, ExtractorName] = {
    "digits": "digits_cnn_v1",
    "fashion_mnist": "fashion_mnist_cnn_v1",
    "cifar10": "inception_v3_compat",
}
"""The network that sees the images of a data set."""


@final
@dataclass(frozen=True)
class FidAnswer:
    """FID of real training images against real test images, by both paths."""

    data: DataKind
    extractor: ExtractorName
    num_train: int
    num_test: int
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
        most = INCEPTION_IMAGES if extractor == "inception_v3_compat" else None
        train = load_images(kind=data, split="train")[:most]
        test = load_images(kind=data, split="test")[:most]
        yield fid_answer(data, extractor, train, test, device)


def fid_answer(
    data: DataKind,
    extractor: ExtractorName,
    train: ByteImage,
    test: ByteImage,
    device: torch.device,
) -> FidAnswer:
    """FID of `train` against `test` by both paths.

    Args:
        data: what the images are of.
        extractor: that sees them.
        train: of one split.
        test: of the other.
        device: where the extractor runs.
    """
    network = Extractor(extractor, device=device)
    first, second = (statistics(network.features([images])) for images in (train, test))
    return FidAnswer(
        data=data,
        extractor=extractor,
        num_train=len(train),
        num_test=len(test),
        ours=frechet_distance(first, second),
        theirs=fid_by_torch_fidelity(extractor, train, test, device=device),
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
