"""Leases: one process works on a unit at a time, and everybody can see how far it is."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from math import inf, isfinite
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, final, get_args

import psutil

from rgm_bench.errors import StoreError
from rgm_bench.results.files import create_whole, explain, locked, write_whole
from rgm_bench.results.schema import UnitKind

HEARTBEAT_SECONDS = 1.0
"""How often a lease says how far its unit is."""

EXPIRY_SECONDS = 60.0
"""Silence after which a lease held on another machine, or in a container, counts as abandoned.

It is measured by the clock of the reader, since it first saw the last heartbeat: clocks of two
machines are never compared.
"""

Holder = tuple[str, str, str, int, float]
"""A unit, and what tells one lease of it from all others."""

Silent = tuple[Holder, float]
"""A holder that has been silent for too long, and its last heartbeat."""

_heard: dict[Holder, tuple[float, float]] = {}
"""Of holders that this process cannot look at the last heartbeat, and when it was first seen."""


@dataclass
class Progress:
    """What a lease file says: who works on what, and how far it is.

    `images` is the whole of the work, `images_seen` what is done of it, `heartbeat` a Unix time.
    `pid` is the number of the process in `namespace`: containers may have the name of their host
    and numbers of their own.
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
    namespace: str = ""

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        return self.images_seen / self.images if self.images else 0.0

    @property
    def is_elsewhere(self) -> bool:
        """Whether this process cannot look at the one that holds the lease."""
        return (self.host, self.namespace) != (socket.gethostname(), pid_namespace())

    @property
    def is_abandoned(self) -> bool:
        """Whether its process has died; of one that cannot be seen, whether it has been silent."""
        if self.is_elsewhere:
            return _is_silent(self)
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:  # killed, and nobody has asked of it
                return True
            return abs(process.create_time() - self.process_started) > 1
        except psutil.NoSuchProcess:
            return True


def _is_silent(progress: Progress) -> bool:
    holder, now = (progress.id, *owner(progress)), time.monotonic()
    last, since = _heard.get(holder, (None, now))
    if last != progress.heartbeat:
        _heard[holder] = progress.heartbeat, now
        return False
    return now - since > EXPIRY_SECONDS


def silent(unit_id: str) -> tuple[Silent, ...]:
    """Those who had the lease of a unit, and whom this process has seen silent for too long."""
    until = time.monotonic() - EXPIRY_SECONDS
    return tuple(
        (holder, last)
        for holder, (last, since) in list(_heard.items())
        if holder[0] == unit_id and since < until
    )


def believe(found: Iterable[Silent]) -> None:
    """Take over what another process of this run has seen: workers come and go, and see little."""
    for holder, last in found:
        _heard[holder] = last, -inf


class Place(Protocol):
    """Where a lease is written down for everybody to see."""

    @property
    def heartbeat_seconds(self) -> float:
        """How often it is written."""
        ...

    def write(self, progress: Progress) -> None:
        """Say that the holder lives and how far it is, unless the lease is somebody else's."""
        ...

    def give_back(self, progress: Progress) -> None:
        """Take the lease away, unless it is somebody else's."""
        ...


@final
class Lease:
    """The right to work on one unit, given back on leaving the `with` block.

    A thread writes a heartbeat with the progress, so the work itself never waits for a disk.

    Args:
        place: where it is written; it says there already who holds it.
        progress: what it says.
    """

    def __init__(self, place: Place, progress: Progress) -> None:
        self._place = place
        self._progress = progress
        self._done = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._first: tuple[float, int] | None = None

    @classmethod
    def acquire(cls, folder: Path, kind: UnitKind, unit_id: str) -> "Lease | None":
        """The lease of a unit, or None while another living process holds it."""
        path, progress = folder / f"{unit_id}.json", begun(kind, unit_id)
        # not lasting: a loss of power that takes a lease takes its holder too
        while not create_whole(path, to_bytes(progress), lasting=False):
            content = _content(path)
            if content is None:  # given back meanwhile
                continue
            held = from_bytes(content)
            if held is not None and not held.is_abandoned:
                return None
            _take_away(path, content)
        return cls(_LeaseFile(path), progress)

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
        self._place.give_back(self._progress)

    def _beat(self) -> None:
        while not self._done.wait(self._place.heartbeat_seconds):
            self._progress.heartbeat = time.time()
            with suppress(StoreError):  # a full disk: the work itself will say so, if it lasts
                self._place.write(self._progress)


@final
class _LeaseFile:
    """A lease as a file that all processes of a machine, or of a shared file system, see."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def heartbeat_seconds(self) -> float:
        return HEARTBEAT_SECONDS

    def write(self, progress: Progress) -> None:
        if self._is_of(progress):
            write_whole(self._path, to_bytes(progress), lasting=False)

    def give_back(self, progress: Progress) -> None:
        if self._is_of(progress):
            self._path.unlink(missing_ok=True)

    def _is_of(self, progress: Progress) -> bool:
        held = read_progress(self._path)
        return held is not None and owner(held) == owner(progress)


def begun(kind: UnitKind, unit_id: str) -> Progress:
    """What this process says when it begins to work on a unit."""
    now, process = time.time(), psutil.Process()
    return Progress(
        kind=kind,
        id=unit_id,
        host=socket.gethostname(),
        pid=process.pid,
        process_started=process.create_time(),
        started=now,
        heartbeat=now,
        namespace=pid_namespace(),
    )


def pid_namespace() -> str:
    """Where this process has its number; empty on systems that have one place for all."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _take_away(path: Path, abandoned: bytes) -> None:
    """Remove a lease that says what was read of an abandoned one, and no other.

    Those who remove take turns: between looking and removing nobody else removes, so a lease that
    is created meanwhile is never taken for the abandoned one.
    """
    with locked(path.parent):
        try:
            if _content(path) == abandoned:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(explain(error, path.parent)) from error


def owner(progress: Progress) -> tuple[str, str, int, float]:
    """What tells one lease of a unit from all others."""
    return progress.host, progress.namespace, progress.pid, progress.started


def read_progress(path: Path) -> Progress | None:
    """What a lease file says, or None if it is gone or cut off."""
    content = _content(path)
    return None if content is None else from_bytes(content)


def _content(path: Path) -> bytes | None:
    """What is in a lease file, or None if it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def from_bytes(content: bytes) -> Progress | None:
    """What the content of a lease says, or None if it is cut off or says something else."""
    try:
        progress = Progress(**json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return None
    return progress if _is_sound(progress) else None


def _is_sound(progress: Progress) -> bool:
    """Whether all fields are of their types, and its process could be one."""
    numbers = (
        progress.process_started,
        progress.started,
        progress.heartbeat,
        progress.images_seen,
        progress.images,
        progress.images_per_second,
    )
    return (
        progress.kind in get_args(UnitKind)
        and _are_text(progress.id, progress.host, progress.namespace)
        and all(type(number) in (int, float) and isfinite(number) for number in numbers)
        and type(progress.pid) is int
        and 0 < progress.pid < 2**31
    )


def _are_text(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)


def is_held(folder: Path, unit_id: str) -> bool:
    """Whether a living process works on a unit."""
    held = read_progress(folder / f"{unit_id}.json")
    return held is not None and not held.is_abandoned


def running(folder: Path) -> list[Progress]:
    """The progress of every unit that a living process works on, in the order they started."""
    return alive(read_progress(path) for path in folder.glob("[!.]*.json"))


def dead(folder: Path) -> dict[Path, Progress]:
    """What the leases say whose holders have died."""
    found = ((path, read_progress(path)) for path in sorted(folder.glob("[!.]*.json")))
    return {path: progress for path, progress in found if progress and progress.is_abandoned}


def alive(found: Iterable[Progress | None]) -> list[Progress]:
    """Those whose holders live, in the order they started."""
    living = [progress for progress in found if progress is not None and not progress.is_abandoned]
    return sorted(living, key=lambda progress: progress.started)


def to_bytes(progress: Progress) -> bytes:
    """The content of a lease."""
    return json.dumps(asdict(progress)).encode()
