"""What is measured of a model. The metrics of a kind are a fixed suite, so none is a field."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from rgm_bench.config.spec.base import Count, SampleCount, Spec
from rgm_bench.config.spec.data import Split
from rgm_bench.config.spec.degradation import ProblemSpec
from rgm_bench.config.spec.sampling import SamplerSpec, SolverSpec


class ReferenceSpec(Spec):
    """The real images that generated ones are compared with, and the network that sees them."""

    split: Split = "train"
    extractor: Literal[
        "digits_cnn_v1", "fashion_mnist_cnn_v1", "patches16_cnn_v1", "inception_v3_compat"
    ]


class GenerateSpec(Spec):
    """FID, inception score, KID, precision and recall of generated images."""

    kind: Literal["generate"]
    sampler: SamplerSpec | None
    num_images: SampleCount
    reference: ReferenceSpec

    @property
    def space(self) -> str:
        """What the metrics are computed in."""
        return self.reference.extractor

    @property
    def count(self) -> int:
        """Samples that are measured."""
        return self.num_images


class PointsSpec(Spec):
    """Wasserstein distances, modes covered and the share of good points, of points in the plane.

    Compared with as many points of the same distribution, of another draw than the training's.
    """

    kind: Literal["points"]
    sampler: SamplerSpec | None
    num_points: SampleCount

    @property
    def space(self) -> str:
        """What the metrics are computed in."""
        return "points"

    @property
    def count(self) -> int:
        """Samples that are measured."""
        return self.num_points


class RestoreSpec(Spec):
    """PSNR and SSIM of restored images, the first `num_images` of a split."""

    kind: Literal["restore"]
    problem: ProblemSpec
    solver: SolverSpec
    num_images: Count
    split: Split = "test"

    @property
    def space(self) -> str:
        """What the metrics are computed in."""
        return "pixels"

    @property
    def count(self) -> int:
        """Samples that are measured."""
        return self.num_images


class LatentDiversitySpec(Spec):
    """How far restorations of one observation differ over the latent.

    The standard deviation over `num_latents` restorations, root mean square over pixels and
    images, in units of pixels in [-1, 1].
    """

    kind: Literal["latent_diversity"]
    level: Count
    num_images: Count
    num_latents: Annotated[int, Field(ge=2)]
    split: Split = "test"

    @property
    def space(self) -> str:
        """What the metrics are computed in."""
        return "pixels"

    @property
    def count(self) -> int:
        """Samples that are measured."""
        return self.num_images


MeasureSpec = Annotated[
    GenerateSpec | PointsSpec | RestoreSpec | LatentDiversitySpec, Field(discriminator="kind")
]

measure_adapter: TypeAdapter[MeasureSpec] = TypeAdapter(MeasureSpec)
"""Reads a measurement of any kind."""
