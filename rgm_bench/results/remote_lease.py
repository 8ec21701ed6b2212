"""Leases on an object store: `leases/<unit>/<generation>.json`, each created only if not there.

The highest generation holds the unit. An object store cannot remove an object only if it is still
the one that was read, so a dead lease is not taken over in place: a taker creates the next
generation, looks whether anybody else has come meanwhile, and only then removes the older ones.
"""

from contextlib import suppress
from typing import final

from rgm_bench.errors import StoreError
from rgm_bench.results.lease import Lease, Progress, alive, begun, from_bytes, owner, to_bytes
from rgm_bench.results.remote import Remote
from rgm_bench.results.schema import UnitKind

REMOTE_HEARTBEAT_SECONDS = 10.0
"""How often a lease on an object store says how far its unit is: each time costs two requests."""

LEASES = "leases"

_TRIES = 3


def acquire(remote: Remote, kind: UnitKind, unit_id: str) -> Lease | None:
    """The lease of a unit, or None while another living process holds it or takes it.

    Of two that take it at the same time both may be told None: each sees the other's.

    Raises:
        StoreError: the object store cannot be read or written.
    """
    progress, generation = begun(kind, unit_id), 1
    for _ in range(_TRIES):
        path = _path(unit_id, generation)
        # first create, then look: who comes at the same time sees this one, or is seen
        created = remote.create(path, to_bytes(progress))
        others = _read(remote, unit_id, but=path if created else None)
        newest = max(map(_generation, others), default=0)
        is_free = not alive(others.values())
        if created and is_free and newest < generation:
            for dead in others:
                remote.remove(dead)
            return Lease(_LeaseObject(remote, unit_id, generation), progress)
        if created:
            remote.remove(path)
        if not is_free:
            return None
        generation = newest + 1
    return None


def is_held(remote: Remote, unit_id: str) -> bool:
    """Whether a living process works on a unit."""
    return bool(alive(_read(remote, unit_id).values()))


def running(remote: Remote) -> list[Progress]:
    """The progress of every unit that a living process works on, in the order they started."""
    newest: dict[str, str] = {}
    for path in sorted(remote.list(LEASES), key=_generation):
        newest[path.rpartition("/")[0]] = path
    return alive(_progress(remote, path) for path in newest.values())


def dead(remote: Remote) -> dict[str, Progress]:
    """What the leases say whose holders have died."""
    found = ((path, _progress(remote, path)) for path in sorted(remote.list(LEASES)))
    return {path: progress for path, progress in found if progress and progress.is_abandoned}


@final
class _LeaseObject:
    """A lease as an object; it is lost once a higher generation is there, or it is gone."""

    def __init__(self, remote: Remote, unit_id: str, generation: int) -> None:
        # a heartbeat that is late is followed by the next, and nobody waits for it
        self._remote = remote.waiting(0.0)
        self._unit_id, self._generation = unit_id, generation

    @property
    def heartbeat_seconds(self) -> float:
        return REMOTE_HEARTBEAT_SECONDS

    def write(self, progress: Progress) -> None:
        if self._is_of(progress):
            self._remote.write(_path(self._unit_id, self._generation), to_bytes(progress))

    def give_back(self, progress: Progress) -> None:
        with suppress(StoreError):  # what it guarded is safe, and silence gives it back too
            if self._is_of(progress):
                self._remote.remove(_path(self._unit_id, self._generation))

    def _is_of(self, progress: Progress) -> bool:
        paths = list(self._remote.list(f"{LEASES}/{self._unit_id}"))
        path = _path(self._unit_id, self._generation)
        if path not in paths or max(map(_generation, paths)) > self._generation:
            return False
        held = _progress(self._remote, path)
        return held is not None and owner(held) == owner(progress)


def _read(remote: Remote, unit_id: str, *, but: str | None = None) -> dict[str, Progress | None]:
    """What the generations of the lease of a unit say, all or all but one."""
    paths = remote.list(f"{LEASES}/{unit_id}")
    return {path: _progress(remote, path) for path in paths if path != but}


def _progress(remote: Remote, path: str) -> Progress | None:
    content = remote.read(path)
    return None if content is None else from_bytes(content)


def _path(unit_id: str, generation: int) -> str:
    return f"{LEASES}/{unit_id}/{generation}.json"


def _generation(path: str) -> int:
    number = path.rpartition("/")[2].removesuffix(".json")
    return int(number) if number.isdecimal() else 0
