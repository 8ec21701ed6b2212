"""The results of one study as its `trials.parquet` keeps them, without the store they came from."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast, final

import pandas as pd

from rgm_bench.config.given_up import GivenUp, GivenUpUnit
from rgm_bench.config.spec import EvaluationSpec, id_of, stored_spec
from rgm_bench.config.study import AxisValue, StudySpec, Trial
from rgm_bench.results.frames import (
    AXIS,
    EVALUATION_COSTS,
    TRAINING_COSTS,
    axis_keys,
    scores_of,
)
from rgm_bench.results.schema import Outcome, UnitKind


@final
class KeptResults:
    """Outcomes of the trials in a frame; curves, pictures and points are not kept.

    `evaluations_frame` of these results is the frame itself.

    Args:
        frame: as `evaluations_frame` made it.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        scores = scores_of(frame)
        rows = [_known(row) for row in frame.to_dict("records")]
        self._rows = tuple(rows)
        # the snapshots of a training that diverged later are fine, and tell nothing of it
        rows.sort(key=lambda row: row["status"] == "ok")
        # a trial that was given up has no result, whatever became of its training
        failed = {row["evaluation_id"]: row["reason"] for row in rows if row["status"] == "failed"}
        self._given_up = GivenUp({trial: GivenUpUnit(why) for trial, why in failed.items()})
        self._outcomes: dict[tuple[UnitKind, str], Outcome] = {}
        for row in rows:
            for outcome in _outcomes(row, scores):
                self._outcomes.setdefault((outcome.kind, outcome.id), outcome)

    def outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        """How a training or an evaluation ended, or None when it had not."""
        return self._outcomes.get((kind, unit_id))

    def trials(self, axes: Mapping[str, tuple[AxisValue, ...]]) -> tuple[Trial, ...]:
        """The trials in the frame, in its order.

        Their specs are those that were computed, whatever a study that names presets means by now.

        Args:
            axes: of the study, with their labels.
        """
        labels = {
            axis: {key: label for label, key in axis_keys(of_axis).items()}
            for axis, of_axis in axes.items()
        }
        return tuple(_trial(row, labels) for row in self._rows)

    def curve(self, training_id: str) -> dict[str, list[float | None]] | None:
        """Nothing: losses are not kept."""

    def grid(self, evaluation_id: str) -> Path | None:
        """Nothing: pictures are not kept."""

    def points(self, evaluation_id: str) -> Path | None:
        """Nothing: points are not kept."""

    def given_up(self, study: StudySpec) -> GivenUp:
        """The trials that the search of the study went on without."""
        return self._given_up


def _trial(row: Mapping[str, Any], labels: Mapping[str, Mapping[AxisValue, AxisValue]]) -> Trial:
    return Trial(
        labels={
            axis: by_key[row[AXIS + axis]] for axis, by_key in labels.items() if AXIS + axis in row
        },
        seed=int(row["seed"]),
        evaluation=row["evaluation"],
        spec=stored_spec(EvaluationSpec, json.loads(row["spec"])),
        real=row.get("real"),
    )


def _known(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The columns of a row that hold something."""
    return {str(name): value for name, value in row.items() if not pd.isna(value)}


def _check_ids(row: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    """That a row is of the specs that its ids name, and ended in a known way.

    Raises:
        ValueError: it is not.
    """
    if id_of(spec) != row["evaluation_id"]:
        raise ValueError(f"the spec of evaluation {row['evaluation_id']} is another one")
    training = spec["source"].get("training")
    if training is not None and id_of(training) != row["training_id"]:
        raise ValueError(f"the spec of training {row['training_id']} is another one")
    if row["status"] not in ("ok", "diverged", "failed", "missing"):
        raise ValueError(f"evaluation {row['evaluation_id']} has the status {row['status']!r}")


def _outcomes(row: Mapping[str, Any], scores: list[str]) -> Iterator[Outcome]:
    spec = json.loads(row["spec"])
    _check_ids(row, spec)
    if "evaluation_digest" in row:
        yield Outcome(
            kind="evaluation",
            id=row["evaluation_id"],
            digest=row["evaluation_digest"],
            status=row["status"],
            reason=row.get("reason"),
            images=0,
            spec=spec,
            metrics={name: row[name] for name in scores if name in row},
            cost={name: row[name] for name in EVALUATION_COSTS if name in row},
            provenance=cast("dict[str, Any]", json.loads(row["provenance"])),
            gaps=cast("dict[str, str]", json.loads(row.get("gaps", "{}"))),
        )
    if "training_digest" in row:
        # a trial without a result of its own has the ending of its training
        ended = "evaluation_digest" not in row and row["status"] == "diverged"
        yield Outcome(
            kind="training",
            id=row["training_id"],
            digest=row["training_digest"],
            status="diverged" if ended else "ok",
            reason=row.get("reason") if ended else None,
            images=0 if ended else spec["source"]["training"]["images"],
            spec=spec["source"]["training"],
            cost={name: row[column] for column, name in TRAINING_COSTS.items() if column in row},
        )
