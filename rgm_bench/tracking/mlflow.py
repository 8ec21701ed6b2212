"""A study in MLflow: one experiment, a parent run for each command, a child run for each result.

The store is the truth and this a view of it: delete `mlflow.db` and `mlartifacts/` at any time, and
the next run of a study writes them again.
"""

import hashlib
import logging
import os
import shlex
import socket
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, final

from rgm_bench.config.study import StudySpec
from rgm_bench.environment import forget_empty, variable
from rgm_bench.redaction import redacted
from rgm_bench.results.files import create_whole
from rgm_bench.results.store import View
from rgm_bench.tracking.artifacts import (
    DATABASE,
    GRIDS,
    artifact_location,
    relocate,
    without_grid,
)
from rgm_bench.tracking.base import Ending, Tracker
from rgm_bench.tracking.children import Child, Part, Point, children_of
from rgm_bench.tracking.writer import Writer

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PARAM_CHARACTERS = 6000
"""MLflow's limit for the value of a parameter."""

BATCH_METRICS = 900
"""Metrics in one request: MLflow takes 1000 entries, parameters and tags among them."""

ALIVE = "rgm.alive"
"""The tag of a parent run that says when its command last lived, as a Unix time."""

STATUS_OF = {"finished": "FINISHED", "killed": "KILLED", "failed": "FAILED"}


def tracking_uri(root: Path) -> str:
    """Where the runs of the store at `root` are: MLFLOW_TRACKING_URI, or its own database."""
    return chosen_uri() or _uri_of(root.resolve() / DATABASE)


def chosen_uri() -> str | None:
    """Where the user wants all runs to be; None if they are to be in the stores."""
    return variable("MLFLOW_TRACKING_URI")


def _uri_of(database: Path) -> str:
    from sqlalchemy import URL

    # The name of the driver keeps MLflow from making the folder, which it would take from the
    # quoted text: of `a%20b` beside the store there would be an `a%2520b`.
    return URL.create("sqlite+pysqlite", database=str(database)).render_as_string()


@final
class MlflowTracker(Tracker):
    """Copies the results of a study into MLflow, each exactly once.

    What is there is asked of MLflow itself, so a second `record`, of this command or a later one,
    adds nothing. Runs that a killed command left open are ended, whichever study they are of, and
    a child run that it left half written is written anew by the next run of its study.

    Args:
        root: folder of the store, for the database and the artifacts.
        command: the command line, which names the parent run.
    """

    def __init__(self, root: Path, *, command: Sequence[str]) -> None:
        self._root = root
        self._command = redacted(shlex.join([Path(command[0]).name, *command[1:]]))
        self._started = datetime.now(UTC)
        self._connection: MlflowClient | None = None
        self._parent: str | None = None
        self.num_written = 0
        """Child runs that were written or added to."""

    def record(self, study: StudySpec, view: View) -> None:
        """Copy every finished unit of `study` that MLflow does not have yet."""
        client = self._client()
        experiment = self._experiment(client, study, view)
        known: dict[str, list[_Known]] = {}
        for run in _tidied(client, experiment):
            known.setdefault(run.child, []).append(run)
        for child in children_of(study, view):
            runs = known.get(child.key, [])
            if all(run.is_whole for run in runs):  # else another command is at it just now
                self._mirror(client, experiment, child, runs)

    def keep_alive(self) -> None:
        """Note the time at the parent run, if there is one: it is all that other hosts see."""
        if self._parent is not None:
            self._client().set_tag(self._parent, ALIVE, _now())

    def close(self, ending: Ending) -> None:
        """End the parent run, if this command had one."""
        if self._parent is not None:
            self._client().set_terminated(self._parent, STATUS_OF[ending])

    def _client(self) -> "MlflowClient":
        if self._connection is None:
            if chosen_uri() is None:
                _make_database(self._root / DATABASE)
                relocate(self._root)
            self._connection = _connect(tracking_uri(self._root))
            _end_leftovers(self._connection)
        return self._connection

    def _experiment(self, client: "MlflowClient", study: StudySpec, view: View) -> str:
        """The id of the experiment, which has the name of the study's folder in the store."""
        name = view.store.study_folder(study).relative_to(view.store.root / "studies").as_posix()
        if (found := client.get_experiment_by_name(name)) is not None:
            return found.experiment_id
        location = None if chosen_uri() else artifact_location(self._root, name)
        tags = {"mlflow.note.content": study.title}
        return client.create_experiment(name, location, tags)

    def _mirror(
        self, client: "MlflowClient", experiment: str, child: Child, runs: Sequence["_Known"]
    ) -> None:
        written = next((run for run in runs if run.units == child.units), None)
        if written is None:
            runs = [self._write(client, experiment, child, runs), *runs]
        elif lost := without_grid(written.artifact_uri, child.parts):
            _log_grids(client, written.run_id, lost)
            self.num_written += 1
        _supersede(client, child, runs)

    def _write(
        self, client: "MlflowClient", experiment: str, child: Child, runs: Sequence["_Known"]
    ) -> "_Known":
        """Add what a run of this child lacks, or write one; RUNNING until it is whole."""
        base = next((run for run in runs if run.units < child.units), None)
        if base is None:
            run_id = _start(client, experiment, child, self._parent_run(client, experiment))
        else:
            run_id = _reopen(client, base.run_id)
        parts = [part for part in child.parts if base is None or part.unit not in base.units]
        points = [point for part in parts for point in part.points]
        # a run that is added to has its parameters and where it stands on its axes
        points, params = (points, None) if base else ([*child.points, *points], child.params)
        _log(client, run_id, points=points, params=params, tags=_tags(child))
        _log_grids(client, run_id, parts)
        client.set_terminated(run_id, "FAILED" if child.diverged else "FINISHED")
        self.num_written += 1
        return _Known(run_id, child.key, child.units, is_current=True, is_whole=True)

    def _parent_run(self, client: "MlflowClient", experiment: str) -> str:
        """The run that stands for this command, made when there is a first thing to write."""
        if self._parent is None:
            tags = {
                "rgm.command": self._command,
                "rgm.started": self._started.isoformat(timespec="seconds"),
                "rgm.host": socket.gethostname(),
                "rgm.writer": str(Writer.this_process()),
                ALIVE: _now(),
                "mlflow.source.name": "rgm-bench",
            }
            milliseconds = int(self._started.timestamp() * 1000)
            run = client.create_run(experiment, milliseconds, tags, run_name=self._command)
            self._parent = run.info.run_id
        return self._parent


@dataclass(frozen=True)
class _Known:
    """A child run that MLflow has; not whole while some command is still writing it."""

    run_id: str
    child: str
    units: frozenset[str]
    is_current: bool
    is_whole: bool
    artifact_uri: str = ""


def _make_database(path: Path) -> None:
    """Give a store a database with all its tables, unless it has one.

    MLflow makes them one by one. A command that is killed at it, or another that starts meanwhile,
    would be left with a part of them, which MLflow neither uses nor completes.
    """
    if path.exists():
        return
    with tempfile.TemporaryDirectory(prefix="rgm-bench-mlflow-") as folder:
        new = Path(folder) / path.name
        _connect(_uri_of(new))
        create_whole(path, new.read_bytes())


def _connect(uri: str) -> "MlflowClient":
    """A client of its own, without MLflow's global state; a new database gets its tables here."""
    forget_empty("MLFLOW_")
    forget_empty("DO_NOT_TRACK")
    if not {"MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"} & os.environ.keys():
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # MLflow's own defaults would try a server that is down for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    from mlflow import MlflowClient

    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


def _end_leftovers(client: "MlflowClient") -> None:
    """End the runs of all studies that a killed command left open: nobody else will."""
    experiments = [found.experiment_id for found in client.search_experiments()]
    running = client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=50_000)
    for run in running:
        writer = run.data.tags.get("rgm.writer")
        heard = float(run.data.tags.get(ALIVE, 0))
        if writer is not None and Writer.parse(writer).is_dead(heard):
            client.set_terminated(run.info.run_id, "KILLED")


def _now() -> str:
    return f"{time.time():.0f}"


def _tidied(client: "MlflowClient", experiment: str) -> list[_Known]:
    """The child runs of an experiment, after deleting those that killed commands left."""
    found: Iterable[Run] = client.search_runs([experiment], max_results=50_000)
    ours = [run for run in found if "rgm.writer" in run.data.tags]
    kept = [run for run in ours if not _was_deleted(client, run)]
    return [_known(run) for run in kept if "rgm.child" in run.data.tags]


def _was_deleted(client: "MlflowClient", run: "Run") -> bool:
    """Delete a child run that will stay unfinished."""
    if "rgm.child" not in run.data.tags:
        return False
    given_up = run.info.status == "KILLED" or (
        run.info.status == "RUNNING" and Writer.parse(run.data.tags["rgm.writer"]).gave_up
    )
    if given_up:
        client.delete_run(run.info.run_id)
    return given_up


def _known(run: "Run") -> _Known:
    tags = run.data.tags
    return _Known(
        run_id=run.info.run_id,
        child=tags["rgm.child"],
        units=frozenset(tags.get("rgm.units", "").split()),
        is_current=tags.get("rgm.code") == "current",
        is_whole=run.info.status != "RUNNING",
        artifact_uri=run.info.artifact_uri or "",
    )


def _supersede(client: "MlflowClient", child: Child, runs: Sequence[_Known]) -> None:
    """Leave one run of a child as it is now; runs of other code stay, marked as older.

    What two commands wrote at the same moment, or a run holds a part of, is deleted.
    """
    current = next(run for run in runs if run.units == child.units)
    for run in runs:
        if run.run_id == current.run_id:
            if not run.is_current:
                client.set_tag(run.run_id, "rgm.code", "current")
        elif run.units <= child.units:
            client.delete_run(run.run_id)
        elif run.is_current:
            client.set_tag(run.run_id, "rgm.code", "older")


def _start(client: "MlflowClient", experiment: str, child: Child, parent: str) -> str:
    """A new child run that took as long as its units did."""
    now = int(time.time() * 1000)
    took = int(sum(part.seconds for part in child.parts) * 1000)
    tags = {
        "rgm.child": child.key,
        "rgm.writer": str(Writer.this_process()),
        "mlflow.parentRunId": parent,
        "mlflow.source.name": "rgm-bench",
    }
    return client.create_run(experiment, now - took, tags, run_name=child.name).info.run_id


def _reopen(client: "MlflowClient", run_id: str) -> str:
    """A run that is whole no longer: a command killed from here on leaves it to be deleted."""
    client.set_tag(run_id, "rgm.writer", str(Writer.this_process()))
    client.update_run(run_id, status="RUNNING")
    return run_id


def _tags(child: Child) -> dict[str, str]:
    units = " ".join(sorted(child.units))
    return {
        "rgm.trial": hashlib.sha256(units.encode()).hexdigest()[:16],
        "rgm.units": units,
        "rgm.code": "current",
        "rgm.status": "diverged" if child.diverged else "ok",
        **({"rgm.reason": child.diverged} if child.diverged else {}),
        **{f"rgm.gap.{name}": why for name, why in child.gaps.items()},
    }


def _log(
    client: "MlflowClient",
    run_id: str,
    *,
    points: Sequence[Point] = (),
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """One request where possible: a request for each value takes ten times as long."""
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(point.metric, point.value, now, point.images) for point in points]
    client.log_batch(
        run_id,
        metrics[:BATCH_METRICS],
        [Param(name, value[:PARAM_CHARACTERS]) for name, value in (params or {}).items()],
        [RunTag(name, value) for name, value in (tags or {}).items()],
    )
    for start in range(BATCH_METRICS, len(metrics), BATCH_METRICS):
        client.log_batch(run_id, metrics[start : start + BATCH_METRICS])


def _log_grids(client: "MlflowClient", run_id: str, parts: Sequence[Part]) -> None:
    """Grids by images seen, so that MLflow shows them with a slider."""
    from PIL import Image

    for part in parts:
        if part.grid is not None:
            with Image.open(part.grid) as grid:
                client.log_image(run_id, grid, key=GRIDS, step=part.images)
