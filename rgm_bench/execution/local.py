"""Units one after the other in this process: for debugging and for machines without Ray."""

from collections import deque
from typing import final

from rgm_bench.execution.base import Attempt, Executor, Perform, ShouldStop, Unit, go_on


@final
class LocalExecutor(Executor):
    """Runs each unit in this very process when the driver waits.

    Args:
        perform: carries out one unit.
        should_stop: asked by the unit that runs, since the driver cannot tell it meanwhile.
    """

    slots = 1

    def __init__(self, perform: Perform, should_stop: ShouldStop = go_on) -> None:
        self._perform, self._should_stop = perform, should_stop
        self._waiting: deque[Unit] = deque()
        self._stopped = False

    @property
    def num_at_work(self) -> int:
        """One, where there is a unit that the next `wait` carries out."""
        return min(1, len(self._waiting))

    def submit(self, unit: Unit) -> None:
        """Put a unit behind those that wait."""
        self._waiting.append(unit)

    def wait(self, seconds: float) -> list[Attempt]:
        """Carry out the unit that has waited longest, however long it takes."""
        if self._stopped:
            return [Attempt(self._waiting.popleft().id, "stopped", 0.0) for _ in [*self._waiting]]
        if not self._waiting:
            return []
        return [self._perform(self._waiting.popleft(), self._should_stop)]

    def stop(self) -> None:
        """Begin no more of the units that wait: none runs while the driver does."""
        self._stopped = True

    def close(self) -> None:
        """Forget the units that wait."""
        self._waiting.clear()
