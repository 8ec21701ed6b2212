"""Why an attempt failed, and whether another one may fare better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rgm_bench.errors import (
    DataError,
    LostProcessError,
    MissingDataError,
    OtherCodeError,
    StoreError,
    UserError,
)
from rgm_bench.results.files import is_of_the_disk

FailureKind = Literal[
    "worker killed",
    "out of memory",
    "node lost",
    "data error",
    "store error",
    "study error",
    "code error",
]
"""The first three befall a unit from outside; the others are in what it was given, where it writes
or what it runs, and would be the same the next time.
"""

TRIED_AGAIN: frozenset[FailureKind] = frozenset({"worker killed", "out of memory", "node lost"})

LOST_PLACE: frozenset[FailureKind] = frozenset({"worker killed", "node lost"})
"""What ends a unit together with the place where it ran, whatever it was doing."""

_BY_NAME: dict[str, FailureKind] = {
    "OutOfMemoryError": "out of memory",  # of torch, and of Ray's monitor of a node's memory
    "ObjectStoreFullError": "out of memory",
    "WorkerCrashedError": "worker killed",
    "NodeDiedError": "node lost",
    "LocalRayletDiedError": "node lost",
    "ObjectLostError": "node lost",
    "OutOfDiskError": "store error",
}
"""Classes of torch and Ray by name: neither has to be imported to ask for a kind."""


@dataclass(frozen=True)
class Failure:
    """How the last of some attempts at a unit failed."""

    kind: FailureKind
    attempts: int
    reason: str

    def __str__(self) -> str:
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{self.kind} ({times}): {self.reason}"


def kind_of(error: BaseException) -> FailureKind:
    """The kind of failure that an exception stands for, of the unit or of what ran it."""
    match error:
        case MemoryError():
            return "out of memory"
        case LostProcessError():
            return "worker killed"
        case DataError() | MissingDataError():
            return "data error"
        case StoreError():
            return "store error"
        case OtherCodeError():
            return "code error"
        case UserError():
            return "study error"
        case OSError() if is_of_the_disk(error):
            return "store error"
        # torch has no class of its own for the memory of a CPU
        case RuntimeError() if "DefaultCPUAllocator" in str(error):
            return "out of memory"
        case _:
            names = [cls.__name__ for cls in type(error).__mro__]
            kinds: list[FailureKind] = [_BY_NAME[name] for name in names if name in _BY_NAME]
            return kinds[0] if kinds else "code error"


def failures_in(journal: Iterable[Mapping[str, Any]]) -> dict[str, Failure]:
    """How each unit failed whose last attempt did, by its id.

    Args:
        journal: the events of all segments, oldest first.
    """
    failed: dict[str, Failure] = {}
    for event in journal:
        match event:
            case {
                "event": "failed",
                "unit": str(unit),
                "kind": kind,
                "attempt": int(attempt),
                "reason": str() | None as reason,
            } if kind in get_args(FailureKind):
                failed[unit] = Failure(kind, attempt, reason or "no reason given")
            case {"event": "submitted" | "ok" | "diverged" | "found", "unit": str(unit)}:
                failed.pop(unit, None)
            case _:
                pass
    return failed
