"""What an executor is: something that carries out units and tells what became of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rgm_bench.errors import DamagedError
from rgm_bench.execution.failures import FailureKind
from rgm_bench.results.lease import Silent
from rgm_bench.results.schema import Outcome, UnitKind

Ending = Literal["ok", "diverged", "found", "failed", "stopped", "busy"]
"""What became of an attempt: an outcome that it has put into the store (`ok`, `diverged`), one that
was there before, put by another driver's worker or one that was lost right then (`found`), a
failure, a request to stop that it followed, or a lease that another living process holds (`busy`).
"""


@dataclass(frozen=True)
class Unit:
    """One training or one evaluation, as data that can travel to a worker."""

    kind: UnitKind
    id: str
    spec: Mapping[str, Any]
    needs: str | None = None
    """The id of the training that an evaluation measures."""
    images: int | None = None
    """How far a training has to come, where not all of it is needed."""
    silent: tuple[Silent, ...] = ()
    """Whose lease of it may be taken over, as the driver has seen."""

    def is_done_by(self, outcome: Outcome) -> bool:
        """Whether `outcome`, of this very unit, is all that is asked for."""
        if not outcome.is_part:
            return True
        return self.images is not None and outcome.images >= self.images


@dataclass(frozen=True)
class Attempt:
    """What became of one attempt at a unit; `reason` is for people, `trace` for developers.

    `failure` is set when it failed, and only then; `reason` when it failed or its outcome is
    `diverged`; `damage` when it failed because a file of the store is damaged.
    """

    unit: str
    ending: Ending
    seconds: float
    reason: str | None = None
    trace: str | None = None
    failure: FailureKind | None = None
    damage: DamagedError | None = None


ShouldStop = Callable[[], bool]
"""Asked by a unit again and again: whether it is to save itself and stop."""


def go_on() -> bool:
    """The answer where nobody ever stops a unit."""
    return False


Perform = Callable[[Unit, ShouldStop], Attempt]
"""Carries out a unit and commits its outcome: runs in a worker, so it must be picklable."""


class HeadLostError(Exception):
    """The head of a cluster is lost, so nobody tells what becomes of its units."""


class Executor(ABC):
    """Carries out units, several at a time where it can.

    `slots` is how many can run at once, and may change while it waits; the driver keeps a few more
    submitted, so that no worker waits for it.
    """

    slots: int

    @property
    @abstractmethod
    def num_at_work(self) -> int:
        """Processes that work now, each of those that share a training; none for what waits."""

    @abstractmethod
    def submit(self, unit: Unit) -> None:
        """Have a unit carried out."""

    @abstractmethod
    def wait(self, seconds: float) -> list[Attempt]:
        """The attempts that ended since the last call; waits for one, but not longer."""

    @abstractmethod
    def stop(self) -> None:
        """Ask all units to save themselves and stop; `wait` tells of each that did."""

    @abstractmethod
    def close(self) -> None:
        """Stop at once. Units that were running are lost, and finished ones are in the store."""
