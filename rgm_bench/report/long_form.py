"""The numbers of a table at full precision: one row an arm and a column of numbers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.number_columns import NumberColumn
from rgm_bench.report.select import Arm, Measure

_TYPES = {
    "real": "str",
    "data": "str",
    "reference_split": "str",
    "evaluation": "str",
    "at": "float64",
    "column": "str",
    "mean": "float64",
    "low": "float64",
    "high": "float64",
    "n": "int64",
    "kind_of_mean": "str",
    "planned": "int64",
    "diverged": "int64",
    "missing": "int64",
}


def long_frame(
    axes: Sequence[str], columns: Sequence[NumberColumn], shares: Mapping[str, float]
) -> pd.DataFrame:
    """What `columns` hold, with the settings among them beside the labels on `axes`."""
    settings = [shown.measure.source for shown in columns if _is_setting(shown)]
    rows = [
        _row([*axes, *settings], shown.measure, arm, found, shares)
        for shown in columns
        for arm, found in zip(shown.arms, shown.estimates, strict=True)
        if not _is_setting(shown) and (found is not None or shown.measure.was_planned(arm))
    ]
    return pd.DataFrame(rows, columns=[*axes, *settings, *_TYPES]).astype(_TYPES)


def _is_setting(shown: NumberColumn) -> bool:
    return shown.measure.column.role == "setting"


def _row(
    keys: Sequence[str],
    measure: Measure,
    arm: Arm,
    found: Estimate | None,
    shares: Mapping[str, float],
) -> dict[str, Any]:
    trials = arm.of(measure.evaluation)
    statuses = Counter(str(trial["status"]) for trial in trials)
    return {
        **{key: arm.labels.get(key, arm.setting(key)) for key in keys},
        "real": arm.real,
        "data": arm.origin[0],
        "reference_split": arm.origin[1],
        "evaluation": measure.evaluation,
        "at": None if arm.real else shares.get(measure.evaluation or ""),
        "column": measure.source,
        "mean": found.center if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "n": found.n if found else 0,
        "kind_of_mean": {"log": "geometric", "plain": "arithmetic"}[found.scale] if found else None,
        "planned": len(trials),
        "diverged": statuses["diverged"],
        "missing": statuses["missing"] + statuses["failed"],
    }
