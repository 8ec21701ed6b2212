"""What a study's driver tells of its progress, and when."""

from abc import ABC, abstractmethod
from typing import Literal

from rgm_bench.config.study import StudySpec
from rgm_bench.results.store import View

Ending = Literal["finished", "killed", "failed"]
"""How a command ended: done, stopped by a signal, or with units that failed."""


class Tracker(ABC):
    """A copy of a study's results in a tool that people look at.

    The store stays the truth: whatever a tracker misses or loses, its next `record` makes up for.
    `record` may be called any number of times, after every finished unit or once at the end, and
    `close` once, last; `keep_alive` about once a minute between them.
    """

    @abstractmethod
    def record(self, study: StudySpec, view: View) -> None:
        """Copy everything of `study` that is finished and not yet there."""

    @abstractmethod
    def keep_alive(self) -> None:
        """Say that this command lives, to those who cannot see its process."""

    @abstractmethod
    def close(self, ending: Ending) -> None:
        """End what this command has open."""
