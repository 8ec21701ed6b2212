"""The results of a whole store as pandas frames, whichever studies asked for them.

Reading ten thousand small files takes seconds, so `rgm-bench sync` also writes all evaluations as
one Parquet file. It is a view: it is read only while it holds exactly what the folders hold.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import pandas as pd

from rgm_bench.metrics.digest import file_sha256
from rgm_bench.results.files import write_whole
from rgm_bench.results.frames import Record, curve_rows, write_parquet
from rgm_bench.results.proof import proven
from rgm_bench.results.read import read_curve, read_outcome
from rgm_bench.results.schema import Outcome

EVALUATIONS = "evaluations.parquet"


class StoreFolder(Protocol):
    """Where the results of all studies lie."""

    @property
    def root(self) -> Path:
        """The folder that holds `trainings` and `evaluations`."""
        ...


def store_evaluations_frame(store: StoreFolder) -> pd.DataFrame:
    """One row an evaluation that the store holds, whichever study asked and whichever code ran.

    A field of its spec is in a column of its path (`spec.source.training.method.fidelity_weight`,
    lists as JSON text), a score under its full name, a cost as `cost.seconds`. A column whose
    values are of several types holds text.
    """
    kept = store.root / EVALUATIONS
    if kept.is_file() and _is_as_written(kept):
        frame = pd.read_parquet(kept)
        if _is_complete(frame, store, kept.stat().st_mtime_ns):
            return frame
    return _read_evaluations(store)


def write_store_evaluations(store: StoreFolder) -> bool:
    """Write all evaluations as one Parquet file, and say whether that changed it.

    Raises:
        StoreError: the store cannot be written.
    """
    path = store.root / EVALUATIONS
    changed = write_parquet(_read_evaluations(store), path)
    if not changed:  # so that it is newer than every result in it
        os.utime(path)
    if not _is_as_written(path):
        write_whole(_digest_of(path), file_sha256(path).encode())
    return changed


def _digest_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _is_as_written(path: Path) -> bool:
    """Whether the file beside it has its digest; a view without one is not worth reading."""
    try:
        return _digest_of(path).read_bytes() == file_sha256(path).encode()
    except FileNotFoundError:
        return False


def _read_evaluations(store: StoreFolder) -> pd.DataFrame:
    outcomes = (read_outcome(str(path)) for path in _results(store, "evaluations"))
    rows = [_outcome_row(outcome) for outcome in outcomes if outcome is not None]
    frame = pd.DataFrame(rows, columns=None if rows else ["id", "digest", "status"])
    return frame.assign(**{name: _of_one_type(frame[name]) for name in frame.columns})


def _of_one_type(values: pd.Series) -> pd.Series:
    """Columns of a Parquet file have one type, and nothing but None for what is not there."""
    if values.dtype != object:
        return values
    values = values.where(values.notna(), None)
    if values.dropna().map(type).nunique() < 2:
        return values
    return values.map(lambda v: v if isinstance(v, str) or v is None else json.dumps(v))


def _is_complete(frame: pd.DataFrame, store: StoreFolder, written: int) -> bool:
    """Whether a frame that was kept at the time `written` has just what the folders hold."""
    there = {
        (path.parent.parent.name, path.parent.name): path.stat().st_mtime_ns
        for path in _results(store, "evaluations")
    }
    in_frame = set(zip(frame["id"], frame["digest"], strict=True))
    return in_frame == there.keys() and all(made < written for made in there.values())


def store_curves_frame(store: StoreFolder) -> pd.DataFrame:
    """The losses of every training that the store holds, in long form."""
    rows: list[Record] = []
    for path, curve in zip(_results(store, "trainings"), curve_paths(store), strict=True):
        fixed = {"training_id": path.parent.parent.name, "digest": path.parent.name}
        if curve.is_file():
            training = read_outcome(str(path))
            proven(curve, None if training is None else training.files.get(curve.name))
            rows += curve_rows(fixed, read_curve(curve))
    return pd.DataFrame(rows, columns=["training_id", "digest", "images", "quantity", "value"])


def curve_paths(store: StoreFolder) -> list[Path]:
    """Where the curves of all trainings are that the store holds, imported ones without one too."""
    return [path.with_name("curve.json") for path in _results(store, "trainings")]


def store_claims_frame(store: StoreFolder) -> pd.DataFrame:
    """The claims of all studies with their verdicts, from the last report of each."""
    rows: list[Record] = []
    for path in sorted(store.root.glob("studies/*/*/claims.json")):
        fixed = {"study": path.parent.parent.name, "profile": path.parent.name}
        for each in json.loads(path.read_text())["claims"]:
            verdict: Record = each["verdict"]
            seeds = json.dumps(verdict.pop("num_seeds"))
            about = {"claim": each["name"], "paper_claim": each["claim"]["paper_claim"]}
            rows.append({**fixed, **about, **verdict, "num_seeds": seeds})
    return pd.DataFrame(rows, columns=None if rows else ["study", "profile", "claim", "decision"])


def _results(store: StoreFolder, kind: str) -> Iterator[Path]:
    yield from sorted(store.root.glob(f"{kind}/*/*/result.json"))


def _outcome_row(outcome: Outcome) -> Record:
    names = ("id", "digest", "status", "reason", "images")
    fixed = {name: getattr(outcome, name) for name in names}
    cost = {f"cost.{name}": value for name, value in outcome.cost.items()}
    gaps = {"gaps": json.dumps(dict(outcome.gaps))} if outcome.gaps else {}
    return {**fixed, **gaps, **outcome.metrics, **cost, **_flat("spec", outcome.spec)}


def _flat(path: str, value: Any) -> Record:
    if isinstance(value, Mapping):
        fields = cast(Mapping[str, Any], value)
        return {k: v for name in fields for k, v in _flat(f"{path}.{name}", fields[name]).items()}
    return {path: json.dumps(value) if isinstance(value, list) else value}
