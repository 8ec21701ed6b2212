"""Who writes a run, so that what a killed command left half written can be told apart."""

import os
import socket
import time
from dataclasses import dataclass
from typing import Self, final

import psutil

from rgm_bench.results.lease import pid_namespace

FOREIGN_SECONDS = 600
"""Silence after which a process that we cannot see, on another host, counts as dead."""

CLOCK_SECONDS = 2
"""How far two readings of the birth of one process may lie apart."""


@final
@dataclass(frozen=True)
class Writer:
    """A process of a host, born at a time, that began to write at another; `str` is for a tag.

    A container is a host of its own, since its processes have numbers of their own.
    """

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
        return cls(_this_host(), pid, _born(pid) or 0, int(time.time()))

    def is_dead(self, heard: float = 0.0) -> bool:
        """Whether it runs no more; a later process may have its number.

        Args:
            heard: when it last said that it lives, a Unix time; it did when it began to write.
                Only this tells of a process on another host.
        """
        if self.host != _this_host():
            return time.time() - max(heard, self.began) > FOREIGN_SECONDS
        born = _born(self.pid)
        return born is None or abs(born - self.born) > CLOCK_SECONDS

    @property
    def gave_up(self) -> bool:
        """Whether the child it left unfinished will stay so.

        This process writes one child after another, so an unfinished one of its own has failed.
        """
        return self.is_dead() or (self.host == _this_host() and self.pid == os.getpid())


def _this_host() -> str:
    return f"{socket.gethostname()}/{pid_namespace()}"


def _born(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return None
