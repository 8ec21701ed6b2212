"""What a command does about damaged files: a plan notes them, a run sets them aside.

A command that only reads refuses them: see `rgm_bench.results.store.refuse`.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast, final, get_args

from rgm_bench.errors import DamagedError, StoreError
from rgm_bench.results.mirror import CHECKPOINT, RESULT
from rgm_bench.results.schema import UnitKind
from rgm_bench.results.store import DAMAGED, Store

LONG_SECONDS = 3600.0
"""A training that took longer is made again only when its user says so."""


@final
class Noted:
    """Notes what is damaged, and has it taken as not there."""

    def __init__(self) -> None:
        self.errors: dict[Path, DamagedError] = {}

    def __call__(self, error: DamagedError) -> bool:
        """Always False."""
        self.errors[error.path] = error
        return False


@final
class Mender:
    """Sets the units of damaged files aside, so that they are made again.

    Args:
        store: that has them.
        remake: whether that may be a training that took more than an hour.
        say: told of each unit that was set aside.
    """

    def __init__(self, store: Store, *, remake: bool, say: Callable[[str], None]) -> None:
        self._store, self._remake, self._say = store, remake, say

    def __call__(self, error: DamagedError) -> bool:
        """Whether the unit was set aside; False while another process works on it.

        Raises:
            StoreError: it is a training that took long, or the store cannot be written.
        """
        folder = error.path.parent
        kind, unit_id, digest = folder.parts[-3].removesuffix("s"), *folder.parts[-2:]
        if kind not in get_args(UnitKind):
            raise error
        if kind == "training" and not self._remake:
            self._require_short(error)
        lease = self._store.lease(cast(UnitKind, kind), unit_id)
        if lease is None:
            return False
        with lease:
            if folder.exists():
                place = self._store.set_aside(folder)
                self._say(
                    f"set aside: {kind} {unit_id} ({digest}) is now in {place}: "
                    f"{error.path.name}: {error.found}"
                )
        return True

    def _require_short(self, error: DamagedError) -> None:
        seconds = _seconds_of(error.path.parent)
        if seconds > LONG_SECONDS:
            raise StoreError(
                f"{error.path} is damaged: {error.found}; its training took "
                f"{seconds / 3600:.1f} h: `rgm-bench run --remake` of its study sets it aside and "
                "trains it again"
            ) from error


def set_aside_by_workers(store: Store) -> set[Path]:
    """Features of reference images and checkpoints that were found damaged where they were read."""
    folder = store.root / DAMAGED
    return {*folder.glob("references/*"), *folder.glob(f"trainings/*/*/{CHECKPOINT}*")}


def _seconds_of(folder: Path) -> float:
    """What a training took, as its result says, or else between the first and last of its files."""
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        return float(json.loads((folder / RESULT).read_bytes())["cost"]["seconds"])
    times = [path.stat().st_mtime for path in folder.glob("*")]
    return max(times, default=0.0) - min(times, default=0.0)
