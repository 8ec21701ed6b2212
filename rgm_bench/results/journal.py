"""What a driver leased and learnt, as JSON lines: a segment for each `run` command."""

import json
import os
import time
from collections.abc import Iterator
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
            self._file.write(line.encode() + b"\n")
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(explain(error, self._folder)) from error

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
