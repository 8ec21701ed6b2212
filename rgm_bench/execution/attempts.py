"""How often units were tried, and which of them are worth another attempt."""

from collections.abc import Callable
from typing import final

from rgm_bench.execution.base import Attempt, Unit
from rgm_bench.execution.failures import LOST_PLACE, TRIED_AGAIN

MAX_ATTEMPTS = 3
"""Attempts at a unit whose failures come from outside, if none of them got it any further."""

Saved = Callable[[Unit], str | None]
"""What tells one checkpoint of a unit in the store from the next; None while there is none."""


@final
class Attempts:
    """Counts the attempts at each unit.

    An attempt whose process or machine was lost after the training had saved itself once more does
    not count: a training of weeks on machines that are taken away every day comes to its end.

    Args:
        saved: asked when an attempt begins and when it failed.
    """

    def __init__(self, saved: Saved) -> None:
        self._saved = saved
        self._numbers: dict[str, int] = {}
        self._fruitless: dict[str, int] = {}
        self._before: dict[str, str | None] = {}

    def __contains__(self, unit_id: str) -> bool:
        return unit_id in self._numbers

    def number(self, unit_id: str) -> int:
        """The number of the last attempt at a unit, from 1; 0 before the first."""
        return self._numbers.get(unit_id, 0)

    def begin(self, unit: Unit) -> None:
        """An attempt at a unit begins."""
        self._numbers[unit.id] = self.number(unit.id) + 1
        self._before[unit.id] = self._saved(unit)

    def take_back(self, unit_id: str) -> None:
        """The attempt that began was none: somebody else works on the unit, or has finished it."""
        self._numbers[unit_id] -= 1
        if not self._numbers[unit_id]:
            del self._numbers[unit_id]

    def forget(self, unit_id: str) -> None:
        """The unit ended, and if it comes again it has its attempts anew."""
        for kept in (self._numbers, self._fruitless, self._before):
            kept.pop(unit_id, None)

    def fail(self, unit: Unit, attempt: Attempt) -> bool:
        """An attempt failed; whether there is to be another one."""
        lost = attempt.failure in LOST_PLACE
        if not (lost and self._saved(unit) not in (None, self._before.get(unit.id))):
            self._fruitless[unit.id] = self._fruitless.get(unit.id, 0) + 1
        return attempt.failure in TRIED_AGAIN and self._fruitless.get(unit.id, 0) < MAX_ATTEMPTS
