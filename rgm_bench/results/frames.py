"""The results of a study as pandas frames and as one Parquet file.

A score is always in a column of its full name (`fid.digits_cnn_v1.n1437`), so no column can hold
two numbers of images or two extractors. What has no result yet is a row all the same: `status`
says `missing`, and its scores are empty.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol, assert_never, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from rgm_bench.config.given_up import GivenUp
from rgm_bench.config.spec import (
    EvaluationSpec,
    GenerateSpec,
    LatentDiversitySpec,
    PointsSpec,
    RestoreSpec,
    RgmSpec,
    TrainingSource,
    TrainingSpec,
    canonical_json,
    data_name,
)
from rgm_bench.config.study import AxisValue, StudySpec, Trial
from rgm_bench.results.files import write_whole
from rgm_bench.results.schema import Outcome, UnitKind

AXIS = "axis."
"""What the column of an axis starts with, so that no axis hides another column."""

Record = dict[str, Any]
_Keys = Mapping[str, Mapping[AxisValue, AxisValue]]

_TYPES = {
    "study": "str",
    "profile": "str",
    "evaluation": "str",
    "seed": "Int64",
    "real": "str",
    "status": "str",
    "reason": "str",
    "gaps": "str",
    "at": "float64",
    "images": "Int64",
    "num_images": "Int64",
    "extractor": "str",
    "reference_split": "str",
    "data": "str",
    "fidelity_weight": "float64",
    "paper_lambda": "float64",
    "nfe": "float64",
    "flops": "float64",
    "seconds": "float64",
    "images_per_second": "float64",
    "peak_memory_bytes": "float64",
    "cpus": "float64",
    "gpus": "float64",
    "training_seconds": "float64",
    "training_flops": "float64",
    "training_images_per_second": "float64",
    "training_peak_memory_bytes": "float64",
    "training_cpus": "float64",
    "training_gpus": "float64",
    "cpu_hours": "float64",
    "gpu_hours": "float64",
    "parameters_generator": "float64",
    "parameters_prior": "float64",
    "evaluation_id": "str",
    "evaluation_digest": "str",
    "training_id": "str",
    "training_digest": "str",
    "spec": "str",
    "provenance": "str",
}
"""The columns every study has, in order, and their types. Axes and scores stand between them."""

EVALUATION_COSTS = (
    "nfe", "flops", "seconds", "images_per_second", "peak_memory_bytes", "cpus", "gpus"
)  # fmt: skip
"""What an evaluation took, in columns of the same names."""

TRAINING_COSTS = {
    name: name.removeprefix("training_")
    for name in _TYPES
    if name.startswith(("training_", "parameters_"))
    and name not in ("training_id", "training_digest")
}
"""The columns of what a training took, and what each is called in its outcome."""

_UNITS = {
    "seconds": "seconds",
    "training_seconds": "seconds",
    "flops": "FLOP",
    "training_flops": "FLOP",
    "cpu_hours": "CPU hours",
    "gpu_hours": "GPU hours",
    "images": "images",
    "num_images": "images",
    "images_per_second": "images/second",
    "training_images_per_second": "images/second",
    "peak_memory_bytes": "bytes",
    "training_peak_memory_bytes": "bytes",
}


class Results(Protocol):
    """What a report reads: a store as one version of the code sees it."""

    def outcome(self, kind: UnitKind, unit_id: str, /) -> Outcome | None:
        """How a training or an evaluation ended, or None when it has not."""
        ...

    def curve(self, training_id: str, /) -> dict[str, list[float | None]] | None:
        """The losses of a training over the images it had seen, as columns of equal length.

        None stands for a loss that was not finite.
        """
        ...

    def grid(self, evaluation_id: str, /) -> Path | None:
        """The picture of the first images of an evaluation, 8 in a row."""
        ...

    def points(self, evaluation_id: str, /) -> Path | None:
        """The generated points of an evaluation: a NumPy file, float32 n x 2."""
        ...

    def given_up(self, study: StudySpec, /) -> GivenUp:
        """The units that the search of a study goes on without."""
        ...


# --- one study --------------------------------------------------------------------------------


def evaluations_frame(study: StudySpec, view: Results) -> pd.DataFrame:
    """One row a trial of the study, finished or not, in the order of its trials.

    Where a score or cost of some trial is no finite number, `gaps` holds the reasons as JSON text,
    by name, and the score is empty. Frames without such trials have no such column.

    The label of a trial on the axis `x` is in the column `axis.x`: numbers where all labels of
    the axis are numbers, else text. `status` is ok, diverged, failed or missing; a trial has failed
    where its search was told to go on without it. Costs that begin with `training_` are those of
    the whole training, also beside a score at a share of its images. `cpu_hours` and `gpu_hours`
    are of the evaluation and of that whole training together; empty where a result does not say
    what it was given.
    """
    trainings: dict[str, Outcome | None] = {}
    keys = {axis: axis_keys(labels) for axis, labels in study.axes.items()}
    names = {"study": study.name, "profile": study.profile}
    given_up = study.found.given_up
    rows = [names | _trial_row(keys, trial, view, trainings, given_up) for trial in study.trials]
    frame = pd.DataFrame(rows)
    fixed = [name for name in _TYPES if (name in frame if rows else name != "gaps")]
    axes = [AXIS + axis for axis in study.axes]
    scores = scores_of(frame)
    split = fixed.index("nfe")
    frame = frame.reindex(columns=[*fixed[:4], *axes, *fixed[4:split], *scores, *fixed[split:]])
    types = {name: _TYPES[name] for name in fixed} | dict.fromkeys(scores, "float64")
    types |= {AXIS + axis: _axis_type(labels) for axis, labels in study.axes.items()}
    return frame.astype(types)


def scores_of(frame: pd.DataFrame) -> list[str]:
    """The columns that hold scores, by name."""
    return sorted(
        name for name in frame.columns if name not in _TYPES and not name.startswith(AXIS)
    )


def axis_keys(labels: Collection[AxisValue]) -> dict[AxisValue, AxisValue]:
    """Each label of an axis, and what the column of the axis holds: see `evaluations_frame`."""
    numbers = all_numbers(labels)
    return {label: label if numbers else str(label) for label in labels}


def all_numbers(labels: Collection[AxisValue]) -> bool:
    """Whether the labels of an axis are numbers, which truth values are not."""
    return all(isinstance(label, int | float) and not isinstance(label, bool) for label in labels)


def curves_frame(
    study: StudySpec, view: Results, *, training_ids: Collection[str] | None = None
) -> pd.DataFrame:
    """The losses of the study's trainings in long form: one row a training, image count and loss.

    Args:
        study: whose trainings.
        view: where their curves are.
        training_ids: only these of them; None for all.
    """
    keys = {axis: axis_keys(labels) for axis, labels in study.axes.items()}
    rows: list[Record] = []
    for training_id, trial in _trainings(study).items():
        if training_ids is None or training_id in training_ids:
            fixed = {**_labels(keys, trial), "seed": trial.seed, "training_id": training_id}
            rows += curve_rows(fixed, view.curve(training_id) or {})
    axes = [AXIS + axis for axis in study.axes]
    columns = [*axes, "seed", "training_id", "images", "quantity", "value"]
    types = {"seed": "int64", "training_id": "str", "quantity": "str", "value": "float64"}
    types |= {AXIS + axis: _axis_type(labels) for axis, labels in study.axes.items()}
    return pd.DataFrame(rows, columns=columns).astype(types | {"images": "int64"})


def _axis_type(labels: Collection[AxisValue]) -> str:
    if not all_numbers(labels):
        return "str"
    return "Int64" if all(isinstance(label, int) for label in labels) else "float64"


def _trainings(study: StudySpec) -> dict[str, Trial]:
    """The first trial of each training."""
    first: dict[str, Trial] = {}
    for trial in study.trials:
        if trial.training_id is not None:
            first.setdefault(trial.training_id, trial)
    return first


def _labels(keys: _Keys, trial: Trial) -> Record:
    return {AXIS + axis: keys[axis][label] for axis, label in trial.labels.items()}


def _trial_row(
    keys: _Keys,
    trial: Trial,
    view: Results,
    trainings: dict[str, Outcome | None],
    given_up: GivenUp,
) -> Record:
    training_id = trial.training_id
    if training_id is not None and training_id not in trainings:
        trainings[training_id] = view.outcome("training", training_id)
    training = trainings[training_id] if training_id is not None else None
    lost = given_up.lost(trial)
    outcome = None if lost else view.outcome("evaluation", trial.id)
    return {
        "evaluation": trial.evaluation,
        "seed": trial.seed,
        "real": trial.real,
        "evaluation_id": trial.id,
        "training_id": training_id,
        **_labels(keys, trial),
        **_spec_columns(trial.spec),
        **({"status": "failed", "reason": lost.reason} if lost else _ending(outcome, training)),
        **_training_costs(training),
        **_evaluation_columns(outcome),
        **_hours(outcome, training),
    }


def _ending(outcome: Outcome | None, training: Outcome | None) -> Record:
    """A training that diverged before the snapshot leaves its evaluation nothing to measure."""
    ended = outcome or (training if training and training.status == "diverged" else None)
    if ended is None:
        return {"status": "missing", "reason": None}
    return {"status": ended.status, "reason": ended.reason}


def _training_costs(training: Outcome | None) -> Record:
    cost = training.cost if training else {}
    columns = {column: cost.get(name) for column, name in TRAINING_COSTS.items()}
    return columns | {"training_digest": training.digest if training else None}


def _evaluation_columns(outcome: Outcome | None) -> Record:
    cost = outcome.cost if outcome else {}
    return {
        **{name: cost.get(name) for name in EVALUATION_COSTS},
        **(outcome.metrics if outcome else {}),
        **_gap_columns(outcome),
        "evaluation_digest": outcome.digest if outcome else None,
        "provenance": json.dumps(outcome.provenance, sort_keys=True) if outcome else None,
    }


def _gap_columns(outcome: Outcome | None) -> Record:
    """Empty scores, and the reasons as JSON text; no column of these where nothing has a gap."""
    if outcome is None or not outcome.gaps:
        return {}
    empty = {name: None for name in outcome.gaps if name not in EVALUATION_COSTS}
    return empty | {"gaps": json.dumps(dict(outcome.gaps), sort_keys=True)}


def _hours(outcome: Outcome | None, training: Outcome | None) -> Record:
    units = [unit for unit in (outcome, training) if unit is not None]
    return {
        f"{kind}_hours": _sum([hours(unit.cost, kind) for unit in units]) for kind in ("cpu", "gpu")
    }


def hours(cost: Mapping[str, float], kind: Literal["cpu", "gpu"]) -> float | None:
    """Hours of CPUs or GPUs that a unit had to itself; None if its cost does not say."""
    seconds, given = cost.get("seconds"), cost.get(f"{kind}s")
    return None if seconds is None or given is None else seconds * given / 3600


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _spec_columns(spec: EvaluationSpec) -> Record:
    source = spec.source
    training = source.training if isinstance(source, TrainingSource) else None
    return {
        "spec": canonical_json(spec),
        "num_images": spec.measure.count,
        "extractor": spec.measure.space,
        "reference_split": _reference_split(spec),
        "data": data_name(spec.data),
        "at": source.at if isinstance(source, TrainingSource) else None,
        "images": training.images_at(cast(TrainingSource, source).at) if training else None,
        **_weight_columns(training),
    }


def _reference_split(spec: EvaluationSpec) -> str:
    match spec.measure:
        case GenerateSpec():
            return spec.measure.reference.split
        case PointsSpec():
            return "test"
        case RestoreSpec() | LatentDiversitySpec():
            return spec.measure.split
        case _:
            assert_never(spec.measure)


def _weight_columns(training: TrainingSpec | None) -> Record:
    if training is None or not isinstance(training.method, RgmSpec):
        return {"fidelity_weight": None, "paper_lambda": None}
    weight = training.method.fidelity_weight
    return {"fidelity_weight": weight, "paper_lambda": 1 / weight if weight else float("inf")}


def curve_rows(fixed: Mapping[str, Any], curve: Mapping[str, list[float | None]]) -> list[Record]:
    """A curve in long form, with the same `fixed` columns in every row."""
    return [
        {**fixed, "images": images, "quantity": quantity, "value": value}
        for quantity, values in curve.items()
        if quantity != "images"
        for images, value in zip(curve["images"], values, strict=True)
    ]


# --- Parquet ----------------------------------------------------------------------------------


def unit(column: str) -> str:
    """The unit of a column of any frame of results: 1 for scores, labels and names."""
    return _UNITS.get(column.removeprefix("cost."), "1")


def write_parquet(frame: pd.DataFrame, path: Path) -> bool:
    """Write `frame` with the unit of each column in its field's metadata, whole then renamed.

    Returns:
        Whether that changed anything: a file that holds the same is left as it is.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [field.with_metadata({"unit": unit(field.name)}) for field in table.schema]
    table = table.cast(pa.schema(fields, metadata=table.schema.metadata))
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    if path.is_file() and path.read_bytes() == buffer.getvalue():
        return False
    write_whole(path, buffer.getvalue())
    return True
