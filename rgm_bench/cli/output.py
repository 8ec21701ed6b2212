"""Standard output and error that may be lost without a command ending for it.

A reader such as `head` closes its pipe, or a disk is full. Python, click and rich each end the
process for that, with exit code 1 in the middle of its work, and 1 is a regression.
"""

import io
import os
import sys
from pathlib import Path
from typing import Any, final

from rgm_bench.results.files import explain


@final
class _Output(io.FileIO):
    """Writes to a descriptor until that fails, and from then on nowhere, as child processes do."""

    failure: OSError | None = None

    def write(self, data: Any, /) -> int | None:
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            _to_nowhere(self.fileno())
            return len(memoryview(data))


def guard_output() -> None:
    """Have this process go on when what it prints cannot be written."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        stream: Any = getattr(sys, name)
        if stream is None:  # closed by whoever started this process
            _to_nowhere(descriptor)
            setattr(sys, name, os.fdopen(descriptor, "w", closefd=False))
            continue
        guarded = io.TextIOWrapper(
            io.BufferedWriter(_Output(descriptor, "wb", closefd=False)),
            encoding=stream.encoding,
            errors=stream.errors,
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )
        setattr(sys, name, guarded)


def lost_output() -> str | None:
    """Why standard output was not written to the end; None where it was, or nobody wanted more."""
    stream = sys.stdout
    if not isinstance(stream, io.TextIOWrapper):
        return None
    stream.flush()
    raw = getattr(stream.buffer, "raw", None)
    failure = raw.failure if isinstance(raw, _Output) else None
    if failure is None or isinstance(failure, BrokenPipeError):
        return None
    return explain(failure, Path("standard output"))


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
