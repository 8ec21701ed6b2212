"""Leases: one process works on a unit at a time, and everybody can see how far it is."""

import fcntl
import json
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, final

import psutil

from rgm_bench.errors import StoreError
from rgm_bench.results.files import create_whole, write_whole
from rgm_bench.results.schema import UnitKind

HEARTBEAT_SECONDS = 1.0
"""How often a lease says how far its unit is."""

EXPIRY_SECONDS = 60.0
"""Silence after which a lease held on another machine counts as abandoned."""


@dataclass
class Progress:
    """What a lease file says: who works on what, and how far it is.

    `images` is the whole of the work, `images_seen` what is done of it, `heartbeat` a Unix time.
    """

    kind: UnitKind
    id: str
    host: str
    pid: int
    process_started: float
    started: float
    heartbeat: float
    images_seen: int = 0
    images: int = 0
    images_per_second: float = 0.0

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        return self.images_seen / self.images if self.images else 0.0

    @property
    def is_abandoned(self) -> bool:
        """Whether its process has died; on another machine, whether it has long been silent."""
        if self.host != socket.gethostname():
            return time.time() - self.heartbeat > EXPIRY_SECONDS
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:  # killed, and nobody has asked of it
                return True
            return abs(process.create_time() - self.process_started) > 1
        except psutil.NoSuchProcess:
            return True


@final
class Lease:
    """The right to work on one unit, given back on leaving the `with` block.

    A thread writes a heartbeat with the progress, so the work itself never waits for a disk.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._done = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._first: tuple[float, int] | None = None

    @classmethod
    def acquire(cls, folder: Path, kind: UnitKind, unit_id: str) -> "Lease | None":
        """The lease of a unit, or None while another living process holds it."""
        path = folder / f"{unit_id}.json"
        now, process = time.time(), psutil.Process()
        progress = Progress(
            kind, unit_id, socket.gethostname(), process.pid, process.create_time(), now, now
        )
        # not lasting: a loss of power that takes a lease takes its holder too
        while not create_whole(path, _to_bytes(progress), lasting=False):
            held = read_progress(path)
            if held is not None and not held.is_abandoned:
                return None
            _take_away(path, held)
        return cls(path, progress)

    def update(self, images_seen: int, images: int) -> None:
        """Say how far the work is: `images_seen` of `images`."""
        now = time.monotonic()
        first_time, first_images = self._first = self._first or (now, images_seen)
        if now > first_time:
            rate = (images_seen - first_images) / (now - first_time)
            self._progress.images_per_second = rate
        self._progress.images_seen, self._progress.images = images_seen, images

    def __enter__(self) -> Self:
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._heart.join()
        if self._is_ours():
            self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_SECONDS):
            self._progress.heartbeat = time.time()
            with suppress(StoreError):  # a full disk: the work itself will say so, if it lasts
                if self._is_ours():
                    write_whole(self._path, _to_bytes(self._progress), lasting=False)

    def _is_ours(self) -> bool:
        held = read_progress(self._path)
        return held is not None and _owner(held) == _owner(self._progress)


def _take_away(path: Path, dead: Progress | None) -> None:
    """Remove the lease of a dead process, unless another has put its own there meanwhile.

    Those who remove take turns: between looking and removing nobody else removes, so a fresh lease
    is never taken for the dead one.
    """
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        found = read_progress(path)
        if found is None or (dead is not None and _owner(found) == _owner(dead)):
            path.unlink(missing_ok=True)
    finally:
        os.close(folder)  # and with it the lock


def _owner(progress: Progress) -> tuple[str, int, float]:
    return progress.host, progress.pid, progress.started


def read_progress(path: Path) -> Progress | None:
    """What a lease file says, or None if it is gone."""
    try:
        return Progress(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_held(folder: Path, unit_id: str) -> bool:
    """Whether a living process works on a unit."""
    held = read_progress(folder / f"{unit_id}.json")
    return held is not None and not held.is_abandoned


def running(folder: Path) -> list[Progress]:
    """The progress of every unit that a living process works on, in the order they started."""
    found = (read_progress(path) for path in folder.glob("[!.]*.json"))
    alive = [progress for progress in found if progress is not None and not progress.is_abandoned]
    return sorted(alive, key=lambda progress: progress.started)


def _to_bytes(progress: Progress) -> bytes:
    return json.dumps(asdict(progress)).encode()
