"""Values that remember where they were written, through every merge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

Scalar = str | int | float | bool | None


class Position(NamedTuple):
    """A line and a column of a file, or another source (`--set ...`) with neither."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Placed:
    """A value of a study file, where it stands, and where the key before it stands."""

    value: "Scalar | tuple[Placed, ...] | dict[str, Placed]"
    at: Position
    key_at: Position

    @property
    def is_map(self) -> bool:
        """Whether this is a map of keys and values."""
        return isinstance(self.value, dict)

    @property
    def entries(self) -> "dict[str, Placed]":
        """The entries of a map; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> "tuple[Placed, ...]":
        """The items of a list; none for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    def get(self, *path: str | int) -> "Placed | None":
        """What lies at `path` below this value, or None."""
        node: Placed | None = self
        for key in path:
            node = node._child(key) if node else None
        return node

    def _child(self, key: str | int) -> "Placed | None":
        if isinstance(key, str):
            return self.entries.get(key)
        return self.items[key] if 0 <= key < len(self.items) else None

    def with_entries(self, entries: "dict[str, Placed]") -> "Placed":
        """A map in the same place with other entries."""
        return replace(self, value=entries)


def nested(path: Sequence[str], leaf: Placed, at: Position) -> Placed:
    """Maps within maps, all written at `at`, with `leaf` at the end of `path`."""
    node = replace(leaf, key_at=at)
    for key in reversed(path):
        node = Placed({key: node}, at, at)
    return node


def plain(node: Placed) -> Any:
    """The bare value: maps as dicts, lists as tuples."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return tuple(map(plain, value)) if isinstance(value, tuple) else value
