"""What a training saves of itself, kept in a store that lies on an object store."""

import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from rgm_bench.errors import StoppedError, StoreError
from rgm_bench.results.mirror import CHECKPOINT
from rgm_bench.results.store import Store

KEEP_SECONDS = 10.0
KEEP_SHARE = 0.05
"""A checkpoint is uploaded every 10 seconds, or so much less often that it takes 5 % of the time.
Neither changes a result: a resumed training has the same bits.
"""


@final
class SavedTraining:
    """Uploads the snapshots and the checkpoint of a training, from which another machine goes on.

    Snapshots first: whoever goes on from a checkpoint makes only those that come after it. Does
    nothing where the store is a folder.

    Args:
        store: that has the training.
        folder: of the training.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._snapshots: set[Path] = set()
        self._checkpoint = _written(folder / CHECKPOINT)
        self._next = time.monotonic() + KEEP_SECONDS

    def keep(self) -> None:
        """Upload what is new, if it is time to. Called between two steps, while nothing is saved.

        Raises:
            StoreError: the object store cannot be written.
        """
        if self._store.is_remote and time.monotonic() > self._next:
            self._upload()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._store.is_remote and isinstance(error, StoppedError):
            with suppress(StoreError):  # this machine has it
                self._upload()

    def _upload(self) -> None:
        checkpoint = self._folder / CHECKPOINT
        written = _written(checkpoint)
        if written == self._checkpoint:
            return
        started = time.monotonic()
        new = sorted(set(self._folder.glob("snapshot-*")) - self._snapshots)
        self._store.upload(new)
        self._snapshots |= set(new)
        self._store.upload([checkpoint])
        self._checkpoint = written
        took = time.monotonic() - started
        self._next = time.monotonic() + max(KEEP_SECONDS, took / KEEP_SHARE)


def _written(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
