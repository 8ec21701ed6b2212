"""What a run may use, and whether it has been told to stop."""

import math
import time
from typing import Literal, final

GRACE_SECONDS = 20.0
"""How long units that are asked to stop may take to save themselves, where there is time for it."""

StopReason = Literal[
    "Ctrl-C",
    "SIGTERM",
    "time limit reached",
    "number of units reached",
    "unit hours reached",
    "Ray's head lost",
]
"""Why a run ends before its study is complete: a signal, a limit that its user has set, or a loss.
"""


@final
class Budget:
    """Limits of a run, the clock that they are held against, and a request to stop.

    Args:
        seconds: until the run has ended, counted from now; units are asked to stop so much earlier
            that they can save themselves.
        units: how many may be begun; further attempts at one of them are free.
        unit_seconds: seconds of work, summed over the processes that work at once.
    """

    def __init__(
        self,
        *,
        seconds: float = math.inf,
        units: float = math.inf,
        unit_seconds: float = math.inf,
    ) -> None:
        self.units, self._unit_seconds = units, unit_seconds
        self.grace_seconds = min(GRACE_SECONDS, seconds / 2)
        """How long units that are asked to stop may take to save themselves."""
        self._deadline = time.monotonic() + seconds - self.grace_seconds
        self._used, self._at_work, self._since = 0.0, 0, time.monotonic()
        self._told: StopReason | None = None

    def stop(self, reason: StopReason) -> None:
        """Have the run stop; may be called from a signal handler."""
        self._told = self._told or reason

    def at_work(self, processes: int) -> None:
        """Say how many processes work from now on."""
        self._used, self._at_work, self._since = self._used_by_now(), processes, time.monotonic()

    @property
    def reason(self) -> StopReason | None:
        """Why running units have to stop, or None while they may go on."""
        if self._told is not None:
            return self._told
        if time.monotonic() >= self._deadline:
            return "time limit reached"
        return "unit hours reached" if self._used_by_now() >= self._unit_seconds else None

    def is_spent(self) -> bool:
        """Whether running units have to stop."""
        return self.reason is not None

    def _used_by_now(self) -> float:
        return self._used + self._at_work * (time.monotonic() - self._since)
