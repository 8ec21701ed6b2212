"""The networks that restore: a generator for images, and one for points."""

from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from rgm_bench.config.spec.base import Count, Spec


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


class MlpLatentSpec(Spec):
    """The latent of a dense generator, which reads it beside the point."""

    kind: Literal["gaussian", "zeros"]
    size: Count


class MlpSpec(Spec):
    """Three dense layers of `width` with tanh, for points; the level enters as t / 4."""

    kind: Literal["mlp"]
    width: Count
    latent: MlpLatentSpec
    output: Literal["linear"] = "linear"


GeneratorSpec = Annotated[NcsnppSpec | MlpSpec, Field(discriminator="kind")]

generator_adapter: TypeAdapter[GeneratorSpec] = TypeAdapter(GeneratorSpec)
"""Reads and writes a generator of any kind."""
