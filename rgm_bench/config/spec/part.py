"""A part of a training that a user has written in Python."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from rgm_bench.config.spec.base import Spec

PYTHON = "python"
"""The kind of such a part; no YAML file may name it."""


def _as_json(arguments: dict[str, Any]) -> dict[str, Any]:
    """As they come out of JSON, which is how they reach a worker: lists, never tuples."""
    return json.loads(json.dumps(arguments))


Arguments = Annotated[dict[str, Any], AfterValidator(_as_json)]


class PythonPartSpec(Spec):
    """A class of the user's own with its arguments, told apart from others by its code.

    `code` is a digest of the code that it consists of. `num_levels` is set for forward processes.
    """

    kind: Literal["python"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
    code: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    arguments: Arguments = Field(default_factory=dict[str, Any])
    num_levels: Annotated[int, Field(ge=1, le=1000)] = 1

    def __hash__(self) -> int:
        return hash((self.name, self.code))  # arguments may hold lists and maps, which have none


def part_key(name: str, code: str) -> str:
    """What a class is kept under: two files may each have one of the same name."""
    return f"{name} {code}"
