"""Which data a training learns from: images, or points in the plane."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rgm_bench.config.spec.base import Added, Slug, Spec

Split = Literal["train", "test"]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class PointsDataSpec(Spec):
    """A 2D set: eight Gaussians on a circle, a grid of 25, or a checkerboard.

    The training points are a fixed set of `num_points`; test points are another draw.
    """

    kind: Literal["gmm8", "gaussian25", "checkerboard"]
    num_points: Annotated[int, Field(ge=16)] = 4000
    split: Split = "train"

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Sizes of one sample: two coordinates."""
        return (2,)

    @property
    def horizontal_flip(self) -> bool:
        """Points are used as they are."""
        return False


class DigitsSpec(Spec):
    """scikit-learn's 1797 real handwritten digits, 8x8 grey: 1437 to train on, 360 held out."""

    kind: Literal["digits"]
    split: Split = "train"
    horizontal_flip: bool = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (1, 8, 8)


class KnownDataSpec(Spec):
    """A data set that is known by its content, or other images in its form.

    `subset` names these, and `fingerprint`, filled in when a study is loaded, is their content of
    both splits.
    """

    subset: Annotated[Slug | None, Added(meant=None)] = None
    fingerprint: Annotated[Fingerprint | None, Added(meant=None)] = None

    @model_validator(mode="after")
    def _names_what_it_pins(self) -> Self:
        if self.fingerprint is not None and self.subset is None:
            raise ValueError("fingerprint is of a subset; name it: subset")
        return self


class FashionMnistSpec(KnownDataSpec):
    """Fashion-MNIST, 28x28 grey, padded to 32x32 with background: 60,000 and 10,000 images."""

    kind: Literal["fashion_mnist"]
    split: Split = "train"
    horizontal_flip: bool = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (1, 32, 32)


class Cifar10Spec(KnownDataSpec):
    """CIFAR-10, 32x32 colour, from its python-version batches: 50,000 and 10,000 images."""

    kind: Literal["cifar10"]
    split: Split = "train"
    horizontal_flip: bool = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (3, 32, 32)


class NaturalPatchesSpec(Spec):
    """Colour patches of the photographs that scikit-image and scikit-learn ship.

    Train and test patches come from different photographs.
    """

    kind: Literal["natural_patches"]
    image_size: Literal[16, 32]
    split: Split = "train"
    horizontal_flip: bool = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (3, self.image_size, self.image_size)


class LargePicturesSpec(Spec):
    """CelebA-HQ or LSUN church at 256x256; `test` is the validation part of either."""

    kind: Literal["celeba_hq_256", "lsun_church"]
    split: Split = "train"
    horizontal_flip: bool = False

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (3, 256, 256)


class ImageFolderSpec(Spec):
    """A folder `<data root>/<name>/<split>` of pictures, cropped to a square and resized.

    `fingerprint` is the content of the folder in short. It is filled in when a study is loaded, so
    that an id names the pictures and not the place they lie in.
    """

    kind: Literal["image_folder"]
    name: Slug
    image_size: Annotated[int, Field(ge=8, le=1024)]
    split: Split = "train"
    horizontal_flip: bool = False
    fingerprint: Fingerprint | None = None

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (3, self.image_size, self.image_size)


DataSpec = Annotated[
    PointsDataSpec
    | DigitsSpec
    | FashionMnistSpec
    | Cifar10Spec
    | NaturalPatchesSpec
    | LargePicturesSpec
    | ImageFolderSpec,
    Field(discriminator="kind"),
]


def is_images(data: DataSpec) -> bool:
    """Whether samples are images, not points."""
    return len(data.event_shape) == 3


def other_split(data: DataSpec, split: Split) -> DataSpec:
    """The same data as they are measured: of `split`, and not mirrored."""
    changed: dict[str, object] = {"split": split}
    if not isinstance(data, PointsDataSpec):
        changed["horizontal_flip"] = False
    return data.model_copy(update=changed)


def data_name(data: DataSpec) -> str:
    """What tables call the data: a kind, the name of a folder, or both a subset and its kind."""
    if isinstance(data, KnownDataSpec) and data.subset is not None:
        return f"{data.kind}, subset {data.subset}"
    return data.name if isinstance(data, ImageFolderSpec) else data.kind


def text_size(data: DataSpec) -> str:
    """The sizes of a sample in words: `3 x 32 x 32`."""
    return " x ".join(map(str, data.event_shape))
