"""Data sets."""

from typing import assert_never

from rgm_bench.config.spec import (
    Cifar10Spec,
    DataSpec,
    DigitsSpec,
    FashionMnistSpec,
    ImageFolderSpec,
    LargePicturesSpec,
    NaturalPatchesSpec,
    PointsDataSpec,
)
from rgm_bench.data.images import load_images
from rgm_bench.data.points import load_points
from rgm_bench.errors import StudyError
from rgm_bench.types import ByteImage, Sample


def build_data(spec: DataSpec) -> ByteImage | Sample:
    """All samples of a split: images with values 0 to 255, or points."""
    return build_points(spec) if isinstance(spec, PointsDataSpec) else build_images(spec)


def build_points(spec: PointsDataSpec) -> Sample:
    """The points of a 2D set."""
    return load_points(kind=spec.kind, split=spec.split, num=spec.num_points)


def build_images(spec: DataSpec) -> ByteImage:
    """All images of a data set's split."""
    match spec:
        case DigitsSpec() | LargePicturesSpec():
            return load_images(kind=spec.kind, split=spec.split)
        case FashionMnistSpec() | Cifar10Spec():
            _require_fingerprint(spec, spec.subset)
            return load_images(kind=spec.kind, split=spec.split, fingerprint=spec.fingerprint)
        case NaturalPatchesSpec():
            return load_images(kind=spec.kind, split=spec.split, image_size=spec.image_size)
        case ImageFolderSpec():
            _require_fingerprint(spec, spec.name)
            return load_images(
                kind=spec.kind,
                split=spec.split,
                name=spec.name,
                image_size=spec.image_size,
                fingerprint=spec.fingerprint,
            )
        case PointsDataSpec():
            raise ValueError(f"{spec.kind} are points, not images")
        case _:
            assert_never(spec)


def _require_fingerprint(
    spec: FashionMnistSpec | Cifar10Spec | ImageFolderSpec, name: str | None
) -> None:
    if name is not None and spec.fingerprint is None:
        raise StudyError(
            f"the {spec.kind} {name} has no fingerprint, without which its images may be any: "
            "load_study fills it in"
        )
