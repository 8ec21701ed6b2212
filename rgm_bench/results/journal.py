"""What a driver leased and learnt, as JSON lines: a segment for each `run` command."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain


@final
class Journal:
    """Appends events to a segment of its own; each is on disk when `append` returns.

    Args:
        folder: the folder of all segments of a study.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"{stamp}-{os.getpid()}.jsonl").open("ab", buffering=0)
        except OSError as error:
            raise StoreError(explain(error, folder)) from error

    def append(self, event: str, **fields: Any) -> None:
        """Write one event with the present time.

        Raises:
            StoreError: the disk is full, or the folder is gone.
        """
        line = json.dumps({"time": time.time(), "event": event, **fields})
        try:
            self._write(line.encode() + b"\n")
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


def read_journal(folder: Path) -> Iterator[dict[str, Any]]:
    """All events of all segments, oldest segment first.

    A line that a dying driver cut off is passed over: its event did not happen.
    """
    for segment in sorted(folder.glob("*.jsonl")):
        for line in segment.read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue
