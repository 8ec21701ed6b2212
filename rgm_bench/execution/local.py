"""Units one after the other in this process: for debugging and for machines without Ray."""

from collections import deque
from typing import final

from rgm_bench.execution.base import Attempt, Executor, Perform, Unit


@final
class LocalExecutor(Executor):
    """Runs each unit in this very process when the driver waits.

    Args:
        perform: carries out one unit.
    """

    slots = 1

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._waiting: deque[Unit] = deque()

    def submit(self, unit: Unit) -> None:
        """Put a unit behind those that wait."""
        self._waiting.append(unit)

    def wait(self, seconds: float) -> list[Attempt]:
        """Carry out the unit that has waited longest, however long it takes."""
        return [self._perform(self._waiting.popleft())] if self._waiting else []

    def close(self) -> None:
        """Forget the units that wait."""
        self._waiting.clear()
