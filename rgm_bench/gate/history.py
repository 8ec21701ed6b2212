"""The history of a gate: every check as a record, and the revisions of its baseline in git.

gates/<gate>/<time>-<commit>.json   in the store, one file a check
"""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

from rgm_bench.errors import StoreError, UserError
from rgm_bench.gate.baseline import Measurement, parse_baseline
from rgm_bench.gate.compare import Check
from rgm_bench.gate.outputs.record import to_record
from rgm_bench.gate.revision import git
from rgm_bench.results.files import to_json, write_whole

RECORDS = "gates"


@final
@dataclass(frozen=True)
class Entry:
    """One number at one time.

    Args:
        time: of the measurement, in UTC.
        commit: of the repository, `-dirty` behind it where files were changed; None outside of one.
        kind: a check, or a revision of the baseline.
        number: what was measured.
        values: of the seeds that gave one.
        verdict: of the check on this number; empty for a baseline.
    """

    time: str
    commit: str | None
    kind: Literal["check", "baseline"]
    number: str
    values: tuple[float, ...]
    verdict: str


def keep_record(check: Check, store: Path) -> Path:
    """Keep a check in the store.

    Raises:
        StoreError: the store cannot be written.
    """
    time = re.sub(r"[^0-9T]", "", check.current.time.split("+")[0])
    commit = (check.current.commit or "nocommit")[:8]
    name = f"{time}-{commit}-{secrets.token_hex(2)}.json"
    path = folder_of(check.gate, store) / name
    write_whole(path, to_json(to_record(check)))
    return path


def history(gate: str, store: Path, baseline: Path) -> tuple[Entry, ...]:
    """Everything that is known of a gate, oldest first.

    Args:
        gate: its name.
        store: where checks were kept.
        baseline: its file; its revisions are read from git, where it lies in a repository.

    Raises:
        StoreError: a record is not readable.
    """
    found = [*_checks(folder_of(gate, store)), *_baselines(baseline)]
    return tuple(sorted(found, key=lambda entry: (entry.time, entry.kind, entry.number)))


def folder_of(gate: str, store: Path) -> Path:
    """Where the records of a gate lie; nothing in its name can leave the store."""
    return store / RECORDS / (re.sub(r"[^A-Za-z0-9_.-]", "_", gate).lstrip(".") or "gate")


def _checks(folder: Path) -> Iterator[Entry]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield from _entries_of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{path}: not a record of a check ({error!r}); remove the file"
            ) from error


def _entries_of(record: Mapping[str, Any]) -> Iterator[Entry]:
    rulings = {number["name"]: number["ruling"] for number in record["numbers"]}
    for name, values in record["values"].items():
        yield Entry(
            time=record["time"],
            commit=record["commit"],
            kind="check",
            number=name,
            values=tuple(value for value in values.values() if value is not None),
            verdict=rulings.get(name, record["verdict"]),
        )


def _baselines(path: Path) -> Iterator[Entry]:
    """The revisions of a baseline, each once; of the file itself where git does not know it."""
    seen: set[str] = set()
    for text, source in _revisions(path):
        try:
            measurement = parse_baseline(text, source)
        except UserError:  # a format of another version
            continue
        if measurement.time not in seen:
            seen.add(measurement.time)
            yield from _entries_of_baseline(measurement)


def _revisions(path: Path) -> Iterator[tuple[str, str]]:
    if path.is_file():
        yield path.read_text(encoding="utf-8"), str(path)
    if not path.parent.is_dir():
        return
    try:
        commits = git("log", "--format=%H", "--", path.name, cwd=path.parent).splitlines()
    except StoreError:
        return
    for commit in commits:
        try:
            yield git("show", f"{commit}:./{path.name}", cwd=path.parent), f"{commit[:8]}:{path}"
        except StoreError:  # the commit that removed it
            continue


def _entries_of_baseline(measurement: Measurement) -> Iterator[Entry]:
    for number in measurement.numbers:
        values = tuple(value for value in number.values.values() if value is not None)
        yield Entry(measurement.time, measurement.commit, "baseline", number.label, values, "")
