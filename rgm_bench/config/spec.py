"""The closed, frozen specifications of a training and of an evaluation.

A spec holds exactly the fields that change a result, defaults written out, and `spec_id` hashes
them: two studies that ask for the same training share it. Labels, paths and resources never stand
here. A new kind is a class here, a member of its union, and one case in `rgm_bench.build`.
"""

import hashlib
import json
from math import ceil
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rgm_bench.batching import STDDEV_GROUP

SNAPSHOT_SHARES = (0.125, 0.25, 0.5, 1.0)
"""The shares of its images at which every training keeps its averaged weights."""

MAX_EMA_START = 0.05
"""The largest share of the starting weights that an average may still hold when a run ends."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0)]
SampleCount = Annotated[int, Field(ge=16)]


class Spec(BaseModel):
    """A closed and frozen part of a spec: unknown fields, wrong types and NaN are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


# --- data -------------------------------------------------------------------------------------


class DigitsSpec(Spec):
    """scikit-learn's 1797 real handwritten digits, 8x8 grey: 1437 to train on, 360 held out."""

    kind: Literal["digits"]
    split: Literal["train", "test"] = "train"
    horizontal_flip: bool = False

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (1, 8, 8)


class FashionMnistSpec(Spec):
    """Fashion-MNIST, 28x28 grey, padded to 32x32 with background: 60,000 and 10,000 images."""

    kind: Literal["fashion_mnist"]
    split: Literal["train", "test"] = "train"
    horizontal_flip: bool = False

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (1, 32, 32)


class Cifar10Spec(Spec):
    """CIFAR-10, 32x32 colour, from its python-version batches: 50,000 and 10,000 images."""

    kind: Literal["cifar10"]
    split: Literal["train", "test"] = "train"
    horizontal_flip: bool = False

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, 32, 32)


class ImageFolderSpec(Spec):
    """A folder `<data root>/<name>/<split>` of pictures, cropped to a square and resized.

    `fingerprint` is the content of the folder in short. It is filled in when a study is loaded, so
    that an id names the pictures and not the place they lie in.
    """

    kind: Literal["image_folder"]
    name: Slug
    image_size: Annotated[int, Field(ge=8, le=1024)]
    split: Literal["train", "test"] = "train"
    horizontal_flip: bool = False
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, self.image_size, self.image_size)


DataSpec = Annotated[
    DigitsSpec | FashionMnistSpec | Cifar10Spec | ImageFolderSpec, Field(discriminator="kind")
]


# --- method -----------------------------------------------------------------------------------


class NoiseForwardSpec(Spec):
    """Degradation by a signal scale and Gaussian noise, in `num_levels` levels."""

    kind: Literal["noise"]
    num_levels: Annotated[int, Field(ge=1, le=1000)]
    schedule: Literal["original", "square"] = "original"


class DiscriminatorSpec(Spec):
    """The time-conditional discriminator: `small` halves the image 3 times, `large` 6 times."""

    kind: Literal["small", "large"]
    base_channels: Count
    time_embedding: Annotated[int, Field(ge=4, multiple_of=2)]


class R1Spec(Spec):
    """A penalty on the discriminator's gradient at real images, every `every_steps` steps."""

    weight: Weight
    every_steps: Count


class KldPriorSpec(Spec):
    """The adversarial estimate of the Kullback-Leibler divergence at each level."""

    kind: Literal["kld"]
    discriminator: DiscriminatorSpec
    r1: R1Spec
    learning_rate: Rate


class RgmSpec(Spec):
    """Restoration based generative model: `prior + fidelity_weight * fidelity`.

    The paper puts its lambda on the prior, so `paper_lambda = 1 / fidelity_weight`.
    """

    kind: Literal["rgm"]
    forward: NoiseForwardSpec
    fake: Literal["resample", "posterior"] = "resample"
    fidelity_weight: Weight
    prior: KldPriorSpec


# --- networks and optimisation ----------------------------------------------------------------


class LatentSpec(Spec):
    """The auxiliary latent z: standard normal, or zeros for the arm without it."""

    kind: Literal["gaussian", "zeros"]
    size: Count
    embedding: Count
    layers: Annotated[int, Field(ge=0, le=16)]


class NcsnppSpec(Spec):
    """The NCSN++ generator with group norms driven by the latent."""

    kind: Literal["ncsnpp"]
    base_channels: Annotated[int, Field(ge=4, multiple_of=4)]
    channel_multipliers: Annotated[tuple[Count, ...], Field(min_length=1, max_length=8)]
    blocks_per_level: Count
    attention_resolutions: tuple[Count, ...]
    latent: LatentSpec
    output: Literal["tanh", "linear"] = "tanh"

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.base_channels > 128 and self.base_channels % 32:
            raise ValueError(
                f"base_channels above 128 is a multiple of 32, for the group norms; found "
                f"{self.base_channels}, try {32 * round(self.base_channels / 32)}"
            )
        return self


class CosineDecaySpec(Spec):
    """A rate that falls along half a cosine until `horizon_images`, then stays."""

    kind: Literal["cosine"]
    horizon_images: Count
    final_learning_rate: Annotated[float, Field(ge=0, le=1)]


class OptimizerSpec(Spec):
    """Adam for the generator; the prior's own optimiser shares its betas and its decay."""

    learning_rate: Rate
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    decay: CosineDecaySpec


class EmaSpec(Spec):
    """The exponential moving average of the generator, updated at every step."""

    decay: Annotated[float, Field(ge=0, lt=1)]


class NumericsSpec(Spec):
    """How numbers are computed: all of it changes the last bits, so all of it is in the id."""

    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    channels_last: bool = False
    accumulation: Count = 1


class TrainingSpec(Spec):
    """One training, whole: everything that changes a weight of its result."""

    data: DataSpec
    method: RgmSpec
    generator: NcsnppSpec
    optimizer: OptimizerSpec
    ema: EmaSpec
    images: Count
    batch_size: Count
    numerics: NumericsSpec = NumericsSpec()
    seed: Seed

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        return self.images // self.batch_size

    def images_at(self, share: float) -> int:
        """Images seen at the snapshot of `share`: whole steps, rounded up."""
        return ceil(share * self.steps) * self.batch_size

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        for check in (_check_batch, _check_ema, _check_image_size):
            check(self)
        return self


_NUM_IMAGES = {
    ("digits", "train"): 1437,
    ("digits", "test"): 360,
    ("fashion_mnist", "train"): 60_000,
    ("fashion_mnist", "test"): 10_000,
    ("cifar10", "train"): 50_000,
    ("cifar10", "test"): 10_000,
}


def _check_batch(spec: TrainingSpec) -> None:
    unit = STDDEV_GROUP * spec.numerics.accumulation
    if spec.batch_size % unit:
        raise ValueError(
            f"batch_size is a multiple of {unit} (groups of {STDDEV_GROUP} images x "
            f"accumulation {spec.numerics.accumulation}); found {spec.batch_size}, "
            f"try {max(1, round(spec.batch_size / unit)) * unit}"
        )
    there = _NUM_IMAGES.get((spec.data.kind, spec.data.split))
    if there is not None and spec.batch_size > there:
        raise ValueError(
            f"batch_size is at most the {there} images of {spec.data.kind} {spec.data.split}; "
            f"found {spec.batch_size}"
        )
    if spec.images % spec.batch_size:
        lower = spec.images // spec.batch_size * spec.batch_size
        raise ValueError(
            f"images is a multiple of batch_size {spec.batch_size}; found {spec.images}, "
            f"try {lower or spec.batch_size} or {lower + spec.batch_size}"
        )


def _check_ema(spec: TrainingSpec) -> None:
    averaged_steps = max(1, spec.steps - 1)  # the average starts as a copy after the first step
    if spec.ema.decay**averaged_steps > MAX_EMA_START:
        decay = int(MAX_EMA_START ** (1 / averaged_steps) * 1e4) / 1e4
        raise ValueError(
            f"ema.decay {spec.ema.decay} leaves {spec.ema.decay**averaged_steps:.0%} of the "
            f"starting weights in the average after {spec.steps} steps, more than "
            f"{MAX_EMA_START:.0%}: use {decay} or less, or more images"
        )


def _check_image_size(spec: TrainingSpec) -> None:
    size = spec.data.image_shape[-1]
    levels = len(spec.generator.channel_multipliers)
    if size % 2 ** (levels - 1):
        raise ValueError(
            f"generator.channel_multipliers has {levels} levels, which halve the image "
            f"{levels - 1} times, and {size} pixels cannot be: use fewer levels"
        )
    halvings = {"small": 3, "large": 6}[spec.method.prior.discriminator.kind]
    if size % 2**halvings:
        raise ValueError(
            f"method.prior.discriminator {spec.method.prior.discriminator.kind} halves the image "
            f"{halvings} times, and {size} pixels cannot be: "
            f"{'use small' if halvings > 3 and size % 8 == 0 else 'use another image size'}"
        )


# --- evaluation -------------------------------------------------------------------------------


class TrainingSource(Spec):
    """Images generated by the averaged weights of a training at a share of its images."""

    kind: Literal["training"]
    training: TrainingSpec
    at: float

    @model_validator(mode="after")
    def _is_a_snapshot(self) -> Self:
        if self.at not in SNAPSHOT_SHARES:
            raise ValueError(f"at_images is among {SNAPSHOT_SHARES}; found {self.at}")
        return self


class RealSplitSource(Spec):
    """Real images of a split, drawn with repetition: a model that has learnt the split by heart."""

    kind: Literal["real_split"]
    data: DataSpec


class RestorationSamplerSpec(Spec):
    """Restore and degrade to the next cleaner level, from the end distribution to data."""

    kind: Literal["restoration"]
    start: Literal["end_distribution"] = "end_distribution"
    noise_factor: Annotated[float, Field(gt=0, le=1)] = 0.999


class ReferenceSpec(Spec):
    """The real images that generated ones are compared with, and the network that sees them."""

    split: Literal["train", "test"] = "train"
    extractor: Literal["digits_cnn_v1", "fashion_mnist_cnn_v1", "inception_v3_compat"]


class EvaluationSpec(Spec):
    """One measurement of one source of images: FID, inception score and KID of `num_images`."""

    kind: Literal["generate"]
    source: Annotated[TrainingSource | RealSplitSource, Field(discriminator="kind")]
    sampler: RestorationSamplerSpec | None
    num_images: SampleCount
    reference: ReferenceSpec
    seed: Seed

    @model_validator(mode="after")
    def _reference_fits(self) -> Self:
        source = self.source
        data = source.data if isinstance(source, RealSplitSource) else source.training.data
        misfit = reference_misfit(self.reference, data)
        if misfit:
            raise ValueError(f"reference.{misfit[0]} {misfit[1]}")
        return self


_EXTRACTOR_SHAPES = {"digits_cnn_v1": (1, 8, 8), "fashion_mnist_cnn_v1": (1, 32, 32)}
"""Channels, height and width that the small classifiers were trained on; Inception sees any."""


def reference_misfit(reference: ReferenceSpec, data: DataSpec) -> tuple[str, str] | None:
    """Which field of a reference does not fit images of `data` and why; None if it fits."""
    if isinstance(data, ImageFolderSpec) and reference.split != data.split:
        # the id of a study holds the fingerprint of one split of a folder
        return "split", f"found {reference.split}; for an image_folder it is that of the training"
    extractor, shape = reference.extractor, data.image_shape
    sees = _EXTRACTOR_SHAPES.get(extractor)
    if sees is None or sees == shape:
        return None
    fitting = [name for name, seen in _EXTRACTOR_SHAPES.items() if seen == shape]
    return "extractor", (
        f"found {extractor}, which sees images of {_sizes(sees)}; those of {data.kind} are "
        f"{_sizes(shape)}: use {next(iter(fitting), 'inception_v3_compat')}"
    )


def _sizes(shape: tuple[int, int, int]) -> str:
    return " x ".join(map(str, shape))


def canonical_json(spec: Spec) -> str:
    """The one text of a spec: every field, keys sorted, no white space."""
    fields: dict[str, Any] = spec.model_dump(mode="json")
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def spec_id(spec: Spec) -> str:
    """16 hexadecimal digits that name a spec: equal for equal results, whatever file asked."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:16]
