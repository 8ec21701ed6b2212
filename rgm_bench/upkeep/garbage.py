"""What lies in a store and no study of it refers to, and its removal.

A study refers to the trainings and evaluations of its trials, by the present code or, where that
has made none, by the newest. A search that is not complete also refers to all that its commands
have run: what its later trials were is not known while an earlier one is missing. Trainings that
were imported are never garbage: no command makes them again. Whatever a living process holds a
lease of is left alone.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from rgm_bench.config.official import IMPORTED
from rgm_bench.config.spec import GenerateSpec, canonical_json, other_split
from rgm_bench.config.study import Trial
from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain
from rgm_bench.results.journal import read_journal
from rgm_bench.results.lease import read_progress
from rgm_bench.results.mirror import CHECKPOINT, RESULT
from rgm_bench.results.schema import UnitKind
from rgm_bench.results.store import Store, View
from rgm_bench.upkeep.kept_studies import kept_studies

Why = Literal[
    "no study refers to it",
    "a newer result is there",
    "unfinished, by other code",
    "checkpoint of a finished training",
    "features that no study needs",
    "left by a process that died",
]

LEFT_OVER_SECONDS = 3600.0
"""Age at which a temporary file is left over: one is written, then renamed, within seconds."""

_TEMPORARY = re.compile(r"\..+\.\d+\.[0-9a-f]{8}|\.writable-\d+|.+\.[0-9a-f]{16}\.partial")
_ID = re.compile(r"[0-9a-f]{16}")
_KINDS: tuple[UnitKind, UnitKind] = ("training", "evaluation")


@final
@dataclass(frozen=True)
class Garbage:
    """A file or folder that nobody needs, its size, and the unit whose lease guards it if any."""

    path: Path
    why: Why
    num_bytes: int
    unit: tuple[UnitKind, str] | None = None


@dataclass
class _Needed:
    """What the studies of a store refer to."""

    units: dict[UnitKind, set[str]] = field(
        default_factory=lambda: {"training": set[str](), "evaluation": set[str]()}
    )
    references: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])


def find_garbage(store: Store) -> list[Garbage]:
    """All that no study refers to, in the order of its paths.

    Raises:
        StoreError: a study of the store cannot be read, so nobody knows what it refers to; or the
            store lies on an object store.
    """
    if store.is_remote:
        raise StoreError(
            f"{store}: garbage is looked for in folders alone; on an object store remove "
            "trainings/ID and evaluations/ID of units that nobody needs with the provider's tools"
        )
    view = View(store)
    needed = _needed(view)
    leased: set[tuple[UnitKind, str]] = {
        (progress.kind, progress.id) for progress in store.running()
    }
    found = [
        *_units(view, needed, leased),
        *_references(store, needed),
        *_left_over(store, leased),
    ]
    whole = {garbage.path for garbage in found}
    outermost = (garbage for garbage in found if whole.isdisjoint(garbage.path.parents))
    return sorted(outermost, key=lambda garbage: garbage.path)


def remove_garbage(store: Store, found: Iterable[Garbage]) -> Iterator[Garbage]:
    """Remove what `find_garbage` found, and yield each piece that is gone.

    A piece of a unit is removed under the lease of that unit, so nobody works on it meanwhile; one
    whose lease a living process holds stays.

    Raises:
        StoreError: something cannot be removed.
    """
    for garbage in found:
        if garbage.unit is None:
            _remove(garbage.path)
            yield garbage
            continue
        lease = store.lease(*garbage.unit)
        if lease is not None:
            with lease:
                _remove(garbage.path)
            yield garbage


def _needed(view: View) -> _Needed:
    needed = _Needed()
    for kept in kept_studies(view.store):
        study = kept.read(view)
        if study.search and study.found.num_ended < study.search.spec.trials:
            ran = {e["unit"] for e in read_journal(kept.folder / "journal") if "unit" in e}
            for units in needed.units.values():
                units |= ran
        for trial in study.trials:
            needed.units["evaluation"].add(trial.id)
            if trial.training_id is not None:
                needed.units["training"].add(trial.training_id)
            needed.references |= set(_reference_of(trial, view))
    return needed


def _reference_of(trial: Trial, view: View) -> Iterator[tuple[str, str, str]]:
    measure = trial.spec.measure
    if isinstance(measure, GenerateSpec):
        reference = measure.reference
        data = other_split(trial.spec.data, reference.split)
        key = f"{canonical_json(data)} {view.digests['evaluation']}"
        yield key, reference.split, reference.extractor


# --- trainings and evaluations ----------------------------------------------------------------


def _units(view: View, needed: _Needed, leased: set[tuple[UnitKind, str]]) -> Iterator[Garbage]:
    for kind in _KINDS:
        for folder in sorted((view.store.root / f"{kind}s").glob("*")):
            unit = (kind, folder.name)
            if not _ID.fullmatch(folder.name) or unit in leased:
                continue
            if folder.name in needed.units[kind]:
                yield from _within(view, kind, folder)
            elif not _is_imported(view.store, kind, folder.name):
                yield Garbage(folder, "no study refers to it", _size(folder), unit)


def _within(view: View, kind: UnitKind, folder: Path) -> Iterator[Garbage]:
    """What a unit that is needed can do without: all but one result, and what may be resumed."""
    unit = (kind, folder.name)
    outcome = view.outcome(kind, folder.name)
    for made in sorted(path for path in folder.glob("*") if path.is_dir()):
        is_finished = (made / RESULT).exists()
        if outcome is not None and made.name == outcome.digest:
            # a search may be about to go on with a training that it has done in part
            if (made / CHECKPOINT).exists() and not outcome.is_part:
                why = "checkpoint of a finished training"
                yield Garbage(made / CHECKPOINT, why, _size(made / CHECKPOINT), unit)
        elif is_finished:
            yield Garbage(made, "a newer result is there", _size(made), unit)
        elif made.name != view.digests[kind]:
            yield Garbage(made, "unfinished, by other code", _size(made), unit)


def _is_imported(store: Store, kind: UnitKind, unit_id: str) -> bool:
    outcome = store.outcome(kind, unit_id) if kind == "training" else None
    return outcome is not None and outcome.spec["method"]["kind"] == IMPORTED


# --- all else ---------------------------------------------------------------------------------


def _references(store: Store, needed: _Needed) -> Iterator[Garbage]:
    for path in sorted((store.root / "references").glob("*.safetensors")):
        key = _reference_key(path)
        if key is not None and key not in needed.references and _is_old(path):
            yield Garbage(path, "features that no study needs", _size(path))


def _reference_key(path: Path) -> tuple[str, str, str] | None:
    """What features are of: data and code, split, extractor; None if the file does not say."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            key = json.loads((file.metadata() or {})["key"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    return key["data"], key["split"], key["extractor"]


def _left_over(store: Store, leased: set[tuple[UnitKind, str]]) -> Iterator[Garbage]:
    """Temporary files in places that nothing else here removes whole, and leases of the dead."""
    ids = {unit_id for _, unit_id in leased}
    for path in _files(store.root, lambda folder: folder.name != "mlartifacts"):
        if _TEMPORARY.fullmatch(path.name) and _is_old(path) and not ids & {*path.parts}:
            yield Garbage(path, "left by a process that died", _size(path))
    for path in sorted((store.root / "leases").glob("[!.]*.json")):
        progress = read_progress(path)
        if progress is not None and progress.is_abandoned:
            unit = (progress.kind, progress.id)
            yield Garbage(path, "left by a process that died", _size(path), unit)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > LEFT_OVER_SECONDS
    except FileNotFoundError:  # renamed meanwhile: it was being written
        return False


def _files(folder: Path, enter: Callable[[Path], bool]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if enter(path):
                yield from _files(path, enter)
        else:
            yield path


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files)


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(explain(error, path)) from error
    if path.parent.parent.name in ("trainings", "evaluations") and not any(path.parent.iterdir()):
        path.parent.rmdir()
