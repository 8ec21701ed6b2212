"""What images are compared with: a data set that rgm-bench knows, a folder or an array."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, cast, final, get_args

from rgm_bench.build.data import build_images
from rgm_bench.config.spec import (
    Cifar10Spec,
    DataSpec,
    DigitsSpec,
    FashionMnistSpec,
    LargePicturesSpec,
    NaturalPatchesSpec,
    Split,
    canonical_json,
)
from rgm_bench.data.contents import NUM_IMAGES, DataKind, PointsKind
from rgm_bench.data.fingerprint import folder_fingerprint
from rgm_bench.data.location import locate
from rgm_bench.errors import DataError, MissingDataError, StoreError
from rgm_bench.image_metrics.files import open_images
from rgm_bench.image_metrics.image_set import ImageSet
from rgm_bench.known_answers import EXTRACTORS
from rgm_bench.metrics.classifier import new_classifier
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.metrics.extractors import ExtractorName
from rgm_bench.metrics.fidelity import BLOCK, Extractor, Features
from rgm_bench.metrics.inception import find_inception
from rgm_bench.metrics.reference import reference_features
from rgm_bench.results.code import code_digest
from rgm_bench.results.files import explain
from rgm_bench.types import ByteImage

_ALL = "all"
"""The split of a folder or an array, which has no other."""


@final
@dataclass(frozen=True)
class Reference:
    """Real images, and how to know their features again.

    Args:
        images: all of them.
        split: of a data set; `all` of other images.
        content: gives what decides the images' bits, as text; called only when features are asked
            for, because it reads a folder whole.
        extractor: the network that usually sees them; None if there is no usual one.
    """

    images: ImageSet
    split: str
    content: Callable[[], str]
    extractor: ExtractorName | None

    @classmethod
    def open(cls, text: str, *, image_size: int | None = None) -> "Reference":
        """The reference that `text` names.

        Args:
            text: `digits`, `digits:test` (without a split, `train`), any other data set of images,
                or the path of a folder or an array, as in `open_images`.
            image_size: 16 or 32 for natural_patches, 16 by default; others have one size.

        Raises:
            MissingDataError: it is not on this machine.
            DataError: there is no such data set or split, or the images cannot be read.
        """
        kind, _, split = text.partition(":")
        if kind == "image_folder" or kind in get_args(PointsKind):
            why = "give the path of the folder" if kind == "image_folder" else "those are points"
            raise DataError(f"{text} is no reference: {why}; {_expected()}")
        if kind not in EXTRACTORS:
            return _of_files(Path(text))
        if split not in ("", "train", "test"):
            raise DataError(f"{text}: found the split {split!r}; expected train or test")
        return _of_data_set(
            cast("DataKind", kind), "test" if split == "test" else "train", image_size
        )

    def usual_extractor(self) -> ExtractorName:
        """The network that usually sees these images, or Inception where its weights are.

        Raises:
            MissingDataError: there is no usual one, and no weights of Inception on this machine.
        """
        if self.extractor is not None:
            return self.extractor
        if find_inception() is None:
            others = ", ".join(n for n in get_args(ExtractorName) if n != "inception_v3_compat")
            raise MissingDataError(
                f"the weights of inception_v3_compat, which sees images of any kind, are not on "
                f"this machine: --extractor inception_v3_compat downloads them or says how to get "
                f"them, and for images of their kind there are {others}"
            )
        return "inception_v3_compat"

    def features(self, extractor: Extractor, *, cache: Path) -> Features:
        """What `extractor` sees in all images, from `cache` if studies or this have seen them.

        Args:
            extractor: that sees them.
            cache: the folder of a store's reference features; made when missing.

        Raises:
            DataError: an image cannot be read.
            StoreError: `cache` cannot be written.
        """
        is_grey = self.images.is_grey or is_blind_to_colour(extractor.name)
        blocks = self.images.grey_blocks if is_grey else self.images.blocks
        try:
            return reference_features(
                extractor,
                blocks,
                folder=cache,
                # as evaluations of studies have it, with which the cache is shared
                data_key=f"{self.content()} {code_digest('evaluation')}",
                split=self.split,
                number=self.images.num,
            )
        except OSError as error:
            raise StoreError(explain(error, cache)) from error


def is_blind_to_colour(extractor: ExtractorName) -> bool:
    """Whether an extractor sees the mean of an image's channels alone."""
    return extractor != "inception_v3_compat" and new_classifier(extractor).channels == 1


def _of_data_set(kind: DataKind, split: Split, image_size: int | None) -> Reference:
    locate(kind, split=split)  # before any work, and with what to do
    data = _data(kind, split, 16 if image_size is None else image_size)
    channels, height, width = data.event_shape
    title = f"{kind}:{split}"
    # Inception alone sees patches of 32
    is_usual = kind != "natural_patches" or height == 16
    return Reference(
        images=ImageSet(
            title=title,
            shape=(channels, height, width),
            num=NUM_IMAGES[kind, split],
            blocks=partial(_blocks, data),
            name_of=lambda index: f"{title}, image {index}",
        ),
        split=split,
        content=lambda: canonical_json(data),
        extractor=EXTRACTORS[kind] if is_usual else None,
    )


def _data(kind: DataKind, split: Split, image_size: int) -> DataSpec:
    match kind:
        case "digits":
            return DigitsSpec(kind=kind, split=split)
        case "fashion_mnist":
            return FashionMnistSpec(kind=kind, split=split)
        case "cifar10":
            return Cifar10Spec(kind=kind, split=split)
        case "natural_patches":
            size: Literal[16, 32] = 32 if image_size == 32 else 16
            return NaturalPatchesSpec(kind=kind, image_size=size, split=split)
        case "celeba_hq_256" | "lsun_church":
            return LargePicturesSpec(kind=kind, split=split)
        case "image_folder":
            raise ValueError("an image folder is opened by its path")


def _blocks(data: DataSpec) -> Iterator[ByteImage]:
    return iter(build_images(data).split(BLOCK))


def _of_files(path: Path) -> Reference:
    try:
        images = open_images(path)
    except MissingDataError as error:
        raise MissingDataError(f"{error}; {_expected()}") from error
    return Reference(images=images, split=_ALL, content=lambda: _content(path), extractor=None)


def _content(path: Path) -> str:
    found = folder_fingerprint(path) if path.is_dir() else file_sha256(path)
    return f"{'pictures' if path.is_dir() else 'array'} {found}"


def _expected() -> str:
    return (
        f"expected {', '.join(EXTRACTORS)}, with :test for the test images, or the path of a "
        "folder or an array"
    )
