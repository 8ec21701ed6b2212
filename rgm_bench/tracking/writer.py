"""Who writes a run, so that what a killed command left half written can be told apart."""

import os
import socket
import time
from dataclasses import dataclass
from typing import Self, final

import psutil

FOREIGN_SECONDS = 600
"""How long a process of another host, which we cannot see, may take to write one child."""

CLOCK_SECONDS = 2
"""How far two readings of the birth of one process may lie apart."""


@final
@dataclass(frozen=True)
class Writer:
    """A process of a host, born at a time, that began to write at another; `str` is for a tag."""

    host: str
    pid: int
    born: int
    began: int

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.born} {self.began}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The writer that `str` made the text of."""
        host, pid, born, began = text.split(" ")
        return cls(host, int(pid), int(born), int(began))

    @classmethod
    def this_process(cls) -> Self:
        """This process, beginning now."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Self:
        """A process of this host, beginning now."""
        return cls(socket.gethostname(), pid, _born(pid) or 0, int(time.time()))

    @property
    def is_dead(self) -> bool:
        """Whether it ran on this host and does no more: a later process may have its number."""
        if self.host != socket.gethostname():
            return False
        born = _born(self.pid)
        return born is None or abs(born - self.born) > CLOCK_SECONDS

    @property
    def gave_up(self) -> bool:
        """Whether the child it left unfinished will stay so.

        This process writes one child after another, so an unfinished one of its own has failed.
        """
        if self.host != socket.gethostname():
            return time.time() - self.began > FOREIGN_SECONDS
        return self.is_dead or self.pid == os.getpid()


def _born(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
