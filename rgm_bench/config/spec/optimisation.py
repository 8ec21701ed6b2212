"""How networks are optimised, and in which numerics."""

from typing import Annotated, Literal

from pydantic import Field

from rgm_bench.config.spec.base import Count, Rate, Spec


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
