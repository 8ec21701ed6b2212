"""What a driver leased and learnt, as JSON lines: a segment for each `run` command.

A driver holds a lock on its segment for as long as it lives, and the operating system gives it back
when it dies: so anybody can tell which segments nobody writes any more, and make one of them.
"""

import fcntl
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast, final

from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain, write_whole

SEGMENTS = "*.jsonl"


@final
class Journal:
    """Appends events to a segment of its own; each is on disk when `append` returns.

    Args:
        folder: the folder of all segments of a study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())
        self.path = folder / f"{stamp}-{host}-{os.getpid()}.jsonl"
        """The segment, of a name that no other driver of the store has."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = _open_locked(self.path)
        except OSError as error:
            raise StoreError(explain(error, folder)) from error

    def append(self, event: str, **fields: Any) -> None:
        """Write one event with the present time.

        Raises:
            StoreError: the disk is full, or the folder is gone.
        """
        self.append_all([{"event": event, **fields}])

    def append_all(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Write several events with the present time, and wait once for the disk.

        Raises:
            StoreError: the disk is full, or the folder is gone.
        """
        if not events:
            return
        lines = [json.dumps({"time": time.time(), **event}) + "\n" for event in events]
        try:
            self._write("".join(lines).encode())
        except OSError as error:
            raise StoreError(explain(error, self._folder)) from error

    def _write(self, line: bytes) -> None:
        """Add a line, or nothing of it: what follows half a line could not be read."""
        end = self._file.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(line):  # a disk that fills up takes the first part silently
                written += self._file.write(line[written:])
            os.fsync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._file.truncate(end)
            raise

    def close(self) -> None:
        """Close the segment."""
        self._file.close()


def _open_locked(path: Path) -> BinaryIO:
    """The segment, locked; again if `compact` has taken it for a dead one before the lock."""
    while True:
        file = path.open("ab", buffering=0)
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return cast(BinaryIO, file)
        file.close()


def read_journal(folder: Path) -> Iterator[dict[str, Any]]:
    """All events of all segments, oldest segment first.

    A line that a dying driver cut off is passed over: its event did not happen. So is one that is
    damaged.
    """
    for line in _lines(sorted(folder.glob(SEGMENTS))):
        with suppress(ValueError, RecursionError):
            event: object = json.loads(line)
            if isinstance(event, dict):
                yield cast("dict[str, Any]", event)


def compact(folder: Path) -> int:
    """Make one segment of all that no living driver writes.

    Stopped half-way it leaves some lines in two segments, which readers see once.

    Returns:
        How many segments were made into one; 0 if there were not two.

    Raises:
        StoreError: the folder cannot be written.
    """
    with ExitStack() as locks:
        dead = [path for path in sorted(folder.glob(SEGMENTS)) if _lock(path, locks)]
        if len(dead) < 2:
            return 0
        # not a line that was cut off: it would run into the next segment's first
        whole = b"".join(line + b"\n" for line in _lines(dead))
        write_whole(dead[0], whole)
        try:
            for path in dead[1:]:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(explain(error, folder)) from error
    return len(dead)


def _lock(path: Path, locks: ExitStack) -> bool:
    """Whether nobody else holds the lock of a segment; then `locks` does."""
    try:
        # open for writing: on NFS nothing else can be locked
        file = locks.enter_context(path.open("r+b"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or gone meanwhile
        return False
    return True


def _lines(segments: Sequence[Path]) -> Iterator[bytes]:
    """The lines of segments, each once: events differ at least in their time."""
    seen: set[bytes] = set()
    for segment in segments:
        try:
            content = segment.read_bytes()
        except FileNotFoundError:  # made one with others meanwhile
            continue
        for line in content.splitlines():
            if line not in seen:
                seen.add(line)
                yield line
