"""What lies in a store and no study of it refers to, and its removal.

A study refers to the trainings and evaluations of its trials, by the present code or, where that
has made none, by the newest. A search that is not complete also refers to all that its commands
have run: what its later trials were is not known while an earlier one is missing. Trainings that
were imported are never garbage: no command makes them again. Whatever a living process holds a
lease of is left alone.

What is there is listed before the studies are read: a study is kept before it runs, so whatever is
listed has its study by then. On an object store the copies on this machine are no part of that.
"""

import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final

from rgm_bench.config.official import IMPORTED
from rgm_bench.config.spec import GenerateSpec, canonical_json, other_split
from rgm_bench.config.study import Trial
from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain
from rgm_bench.results.journal import read_journal
from rgm_bench.results.mirror import CHECKPOINT, RESULT, UNITS
from rgm_bench.results.remote import Listed
from rgm_bench.results.schema import UnitKind
from rgm_bench.results.store import DAMAGED, Store, View
from rgm_bench.upkeep.kept_studies import kept_studies

Why = Literal[
    "no study refers to it",
    "a newer result is there",
    "unfinished, by other code",
    "checkpoint of a finished training",
    "features that no study needs",
    "left by a process that died",
    "set aside as damaged",
]

LEFT_OVER_SECONDS = 3600.0
"""Age at which a temporary file is left over: one is written, then renamed, within seconds."""

RECENT_SECONDS = 60.0
"""Age from which a unit on an object store may be garbage: journals of others arrive later."""

_TEMPORARY = re.compile(
    r"\..+\.\d+\.[0-9a-f]{8}|\.writable-\d+|\.probe-[0-9a-f]{32}|.+\.[0-9a-f]{16}\.partial"
)
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
        StoreError: a study of the store cannot be read, so nobody knows what it refers to.
    """
    store.settle()
    files = store.files()
    leased: set[tuple[UnitKind, str]] = {
        (progress.kind, progress.id) for progress in store.running()
    }
    store.refresh()
    view = View(store)
    needed = _needed(view)
    found = [
        *_units(view, files, needed, leased),
        *_references(store, files, needed),
        *_left_over(store, files, leased),
        *_set_aside(store, files),
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
            _remove(store, garbage.path)
            yield garbage
            continue
        lease = store.lease(*garbage.unit)
        if lease is not None:
            with lease:
                _remove(store, garbage.path)
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


Files = Mapping[Path, Listed]


def _units(
    view: View, files: Files, needed: _Needed, leased: set[tuple[UnitKind, str]]
) -> Iterator[Garbage]:
    for kind in _KINDS:
        for folder, own in _by_folder(files, view.store.root / f"{kind}s").items():
            unit = (kind, folder.name)
            if not _ID.fullmatch(folder.name) or unit in leased or _may_be_new(view.store, own):
                continue
            if folder.name in needed.units[kind]:
                yield from _within(view, kind, folder, own)
            elif not _is_imported(view.store, kind, folder.name):
                yield Garbage(folder, "no study refers to it", _size(own), unit)


def _within(view: View, kind: UnitKind, folder: Path, files: Files) -> Iterator[Garbage]:
    """What a unit that is needed can do without: all but one result, and what may be resumed."""
    unit = (kind, folder.name)
    outcome = view.outcome(kind, folder.name)
    for made, own in _by_folder(files, folder).items():
        checkpoint = own.get(made / CHECKPOINT)
        if outcome is not None and made.name == outcome.digest:
            # a search may be about to go on with a training that it has done in part
            if checkpoint is not None and not outcome.is_part:
                why = "checkpoint of a finished training"
                yield Garbage(made / CHECKPOINT, why, checkpoint.size, unit)
        elif made / RESULT in own:
            yield Garbage(made, "a newer result is there", _size(own), unit)
        elif made.name != view.digests[kind]:
            yield Garbage(made, "unfinished, by other code", _size(own), unit)


def _by_folder(files: Files, root: Path) -> dict[Path, dict[Path, Listed]]:
    """The files in each folder of a folder, all the way down."""
    found: dict[Path, dict[Path, Listed]] = {}
    depth = len(root.parts)
    for path, listed in files.items():
        if len(path.parts) > depth + 1 and root in path.parents:
            found.setdefault(root / path.parts[depth], {})[path] = listed
    return found


def _may_be_new(store: Store, files: Files) -> bool:
    newest = max(listed.modified for listed in files.values())
    return store.is_remote and time.time() - newest < RECENT_SECONDS


def _is_imported(store: Store, kind: UnitKind, unit_id: str) -> bool:
    outcome = store.outcome(kind, unit_id) if kind == "training" else None
    return outcome is not None and outcome.spec["method"]["kind"] == IMPORTED


# --- all else ---------------------------------------------------------------------------------


def _references(store: Store, files: Files, needed: _Needed) -> Iterator[Garbage]:
    for path, listed in files.items():
        if path.parent == store.root / "references" and path.suffix == ".safetensors":
            key = _reference_key(path)
            if key is not None and key not in needed.references and _is_old(listed):
                yield Garbage(path, "features that no study needs", listed.size)


def _reference_key(path: Path) -> tuple[str, str, str] | None:
    """What features are of: data and code, split, extractor; None if the file does not say."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            key = json.loads((file.metadata() or {})["key"].partition("\n")[0])  # and its seal
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    return key["data"], key["split"], key["extractor"]


def _left_over(store: Store, files: Files, leased: set[tuple[UnitKind, str]]) -> Iterator[Garbage]:
    """Temporary files in places that nothing else here removes whole, and leases of the dead."""
    ids = {unit_id for _, unit_id in leased}
    for path, listed in files.items():
        if _TEMPORARY.fullmatch(path.name) and _is_old(listed) and not ids & {*path.parts}:
            yield Garbage(path, "left by a process that died", listed.size)
    for path, progress in store.dead_leases().items():
        unit = (progress.kind, progress.id)
        if path in files and unit not in leased:
            yield Garbage(path, "left by a process that died", files[path].size, unit)


def _set_aside(store: Store, files: Files) -> Iterator[Garbage]:
    """What was damaged, as it was set aside: folders of units, and features."""
    folder, sizes = store.root / DAMAGED, Counter[Path]()
    for path, listed in files.items():
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).parts
            sizes[folder.joinpath(*parts[: 3 if parts[0] in UNITS else None])] += listed.size
    for path, size in sizes.items():
        yield Garbage(path, "set aside as damaged", size)


def _is_old(listed: Listed) -> bool:
    return time.time() - listed.modified > LEFT_OVER_SECONDS


def _size(files: Files) -> int:
    return sum(listed.size for listed in files.values())


def _remove(store: Store, path: Path) -> None:
    if store.is_remote:
        store.remove(path)
        return
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
