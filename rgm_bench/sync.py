"""Brings the views of a store up to its results: MLflow, Parquet tables, journals.

The committed results are the truth. All else can be deleted and is made again from them; what is
there already is left as it is.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import final

from rgm_bench.errors import StoreError
from rgm_bench.redaction import redacted
from rgm_bench.results.frames import evaluations_frame, write_parquet
from rgm_bench.results.journal import compact
from rgm_bench.results.memory import RememberedResults
from rgm_bench.results.store import Store, View
from rgm_bench.tracking.mlflow import MlflowTracker, tracking_uri
from rgm_bench.upkeep.kept_studies import KeptStudy


@final
@dataclass(frozen=True)
class Synced:
    """What one study's views lacked.

    `num_runs` counts the MLflow runs that were written, `num_segments` the journal segments of dead
    drivers that were made one. `problem` says why the study, or MLflow, was passed over.
    """

    study: str
    num_runs: int = 0
    wrote_table: bool = False
    num_segments: int = 0
    problem: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether anything was added."""
        return bool(self.num_runs or self.wrote_table or self.num_segments)


def sync_studies(store: Store, studies: Iterable[KeptStudy]) -> Iterator[Synced]:
    """Bring the views of each study up to its results; one that cannot be read stops no other.

    Raises:
        StoreError: the store cannot be written.
    """
    for kept in studies:
        yield _sync(store, kept)


def _sync(store: Store, kept: KeptStudy) -> Synced:
    # on an object store others may be writing the segments that look dead here
    num_segments = 0 if store.is_remote else compact(kept.folder / "journal")
    view = View(store)
    try:
        study = kept.read(view)
    except StoreError as error:
        return Synced(kept.name, num_segments=num_segments, problem=str(error))
    frame = evaluations_frame(study, RememberedResults(view))
    wrote_table = write_parquet(frame, kept.folder / "trials.parquet")
    tracker = MlflowTracker(store.root, command=sys.argv)
    problem = None
    try:
        tracker.record(study, view)
        tracker.close("finished")
    except Exception as error:  # whatever MLflow raises: the tables are safe, and the rest goes on
        first = (str(error).strip().splitlines() or [""])[0]
        problem = redacted(
            f"{kept.name}: MLflow at {tracking_uri(store.root)} failed: "
            f"{type(error).__name__}: {first}; mend that (a store's own mlflow.db may be removed: "
            "it is made again from the results) and run `rgm-bench sync` again"
        )
    return Synced(kept.name, tracker.num_written, wrote_table, num_segments, problem)
