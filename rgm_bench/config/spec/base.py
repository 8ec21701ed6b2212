"""What all specs share: closed, frozen models and the names of their plain values."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

Slug = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what a column of Parquet holds
SampleCount = Annotated[int, Field(ge=16)]
Levels = Annotated[int, Field(ge=1, le=1000)]


class Spec(BaseModel):
    """A closed and frozen part of a spec: unknown fields, wrong types and NaN are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Added:
    """Marks a field that a kind of spec did not have from the beginning.

    The kind is that of a training, of an evaluation, or of a field of either; lists of specs are
    not looked into. A spec without the field keeps the id that it had: the canonical text leaves it
    out where its value is `meant`. A computation that was corrected is such a field too, its
    `revision`: what was stored before is at 1, and whatever is asked for now is at the default.

    Args:
        meant: what specs meant that were stored before the field was there. It never changes, also
            where the default does.
    """

    meant: Any


@cache
def added_fields(kind: type[Spec]) -> dict[str, Any]:
    """The fields of a kind of spec that were added later, and what specs without them meant."""
    return {
        name: mark.meant
        for name, field in kind.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Added)
    }


@cache
def added_below(kind: type[Spec]) -> tuple[str, ...]:
    """The fields of a kind of spec that may hold a spec with added fields, itself or below."""
    return tuple(
        name
        for name, field in kind.model_fields.items()
        if any(added_fields(each) or added_below(each) for each in _specs_in(field.annotation))
    )


def _specs_in(annotation: object) -> Iterator[type[Spec]]:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        yield annotation
    for each in get_args(annotation):
        yield from _specs_in(each)
