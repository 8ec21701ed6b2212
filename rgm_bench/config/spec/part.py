"""A part of a training that a user has written in Python."""

from typing import Annotated, Any, Literal

from pydantic import Field

from rgm_bench.config.spec.base import Spec

PYTHON = "python"
"""The kind of such a part; no YAML file may name it."""


class PythonPartSpec(Spec):
    """A class of the user's own with its arguments, told apart from others by its code.

    `code` is a digest of the code that it consists of. `num_levels` is set for forward processes.
    """

    kind: Literal["python"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
    code: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    arguments: dict[str, Any] = Field(default_factory=dict[str, Any])
    num_levels: Annotated[int, Field(ge=1, le=1000)] = 1


def part_key(name: str, code: str) -> str:
    """What a class is kept under: two files may each have one of the same name."""
    return f"{name} {code}"
