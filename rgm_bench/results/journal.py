"""What a driver leased and learnt, as JSON lines: a segment for each `run` command."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final


@final
class Journal:
    """Appends events to a segment of its own; each is on disk when `append` returns.

    Args:
        folder: the folder of all segments of a study.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self._file = (folder / f"{stamp}-{os.getpid()}.jsonl").open("ab")

    def append(self, event: str, **fields: Any) -> None:
        """Write one event with the present time."""
        line = json.dumps({"time": time.time(), "event": event, **fields})
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

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
