"""What all specs share: closed, frozen models and the names of their plain values."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0)]
SampleCount = Annotated[int, Field(ge=16)]
Levels = Annotated[int, Field(ge=1, le=1000)]


class Spec(BaseModel):
    """A closed and frozen part of a spec: unknown fields, wrong types and NaN are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
