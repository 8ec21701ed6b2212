"""How data are degraded: linear operators, and forward processes with their levels."""

from typing import Annotated, Literal

from pydantic import Field

from rgm_bench.config.spec.base import Added, Levels, Spec
from rgm_bench.config.spec.part import PythonPartSpec


class IdentitySpec(Spec):
    """The image itself."""

    kind: Literal["identity"]


class BlockAverageSpec(Spec):
    """Means of blocks of `factor` x `factor` pixels."""

    kind: Literal["block_average"]
    factor: Annotated[int, Field(ge=2, le=64)]


class ChannelMeanSpec(Spec):
    """The mean of the colour channels: a colour image becomes grey."""

    kind: Literal["channel_mean"]


class BlurSpec(Spec):
    """A Gaussian blur over the edges; `sigma` in pixels."""

    kind: Literal["blur"]
    sigma: Annotated[float, Field(gt=0, le=16)]


class InpaintingSpec(Spec):
    """A square in the middle is not seen; its side is `hidden` of the image's."""

    kind: Literal["inpainting"]
    hidden: Annotated[float, Field(gt=0, lt=1)]

    def side(self, height: int, width: int) -> int:
        """Of the hidden square in pixels: rounded, and at least one."""
        return max(1, round(self.hidden * min(height, width)))


OperatorSpec = Annotated[
    IdentitySpec | BlockAverageSpec | ChannelMeanSpec | BlurSpec | InpaintingSpec | PythonPartSpec,
    Field(discriminator="kind"),
]


class NoiseForwardSpec(Spec):
    """Degradation by a signal scale and Gaussian noise, in `num_levels` levels."""

    kind: Literal["noise"]
    num_levels: Levels
    schedule: Literal["original", "square", "linear"] = "original"


class SuperResolutionForwardSpec(Spec):
    """Noise and halving of the image in turn (`split`), or both in each level (`naive`).

    `schedule` is that of the noise.
    """

    kind: Literal["super_resolution"]
    num_levels: Annotated[int, Field(ge=1, le=15)]
    order: Literal["split", "naive"] = "split"
    schedule: Annotated[Literal["original", "square"], Added(meant="original")] = "original"

    @property
    def halvings(self) -> int:
        """How often an image is halved up to the last level."""
        return self.num_levels // 2 if self.order == "split" else self.num_levels


class LinearForwardSpec(Spec):
    """A linear operator and growing noise: everywhere, or only where the operator sees something.

    `observed` is for inpainting: what is not seen holds no noise either.
    """

    kind: Literal["linear"]
    operator: OperatorSpec
    num_levels: Levels
    schedule: Literal["original", "square", "linear"] = "original"
    noise: Literal["everywhere", "observed"] = "everywhere"


ForwardSpec = Annotated[
    NoiseForwardSpec | SuperResolutionForwardSpec | LinearForwardSpec | PythonPartSpec,
    Field(discriminator="kind"),
]


class ProblemSpec(Spec):
    """An inverse problem: an operator, and Gaussian noise on what it measures.

    `noise_std` is in units of pixels in [-1, 1].
    """

    operator: OperatorSpec
    noise_std: Annotated[float, Field(ge=0, le=2)] = 0.0
