"""What arms, axes and counts of seeds are called in tables, legends and captions."""

from collections import Counter
from collections.abc import Sequence

from rgm_bench.report.numbers import label
from rgm_bench.report.select import Arm, Row


def words(name: str) -> str:
    """The name of an axis as a reader would write it."""
    return name.replace("_", " ")


def labels_named(arm: Arm, *, without: str | None = None) -> str:
    """The values of an arm, without the names of the axes, and without that of one axis."""
    return ", ".join(label(value) for axis, value in arm.labels.items() if axis != without)


def axes_named(arm: Arm) -> str:
    """The names of the axes that an arm has values on."""
    return ", ".join(words(axis) for axis in arm.labels)


def samples_named(trial: Row) -> str:
    """What a trial measures: points or images."""
    return "points" if trial["extractor"] == "points" else "images"


def real_named(trial: Row) -> str:
    """What a row of real data is called."""
    return f"real {trial['real']} {samples_named(trial)}"


def origins(lines: Sequence[Arm]) -> list[str]:
    """The name of each row of real data; empty for generated ones.

    It tells data sets and references apart only where there are several.
    """
    several = len({arm.origin for arm in lines if arm.real}) > 1
    return [
        real_named(arm.trials[0]) + (" ({}, against {})".format(*arm.origin) if several else "")
        if arm.real
        else ""
        for arm in lines
    ]


def counts(trials: Sequence[Row]) -> str:
    """How many seeds an arm has: `3`, or `1 of 3, 1 diverged, 1 missing`."""
    found = Counter(str(trial["status"]) for trial in trials)
    if found["ok"] == len(trials):
        return str(len(trials))
    lacking = [f"{found[s]} {s}" for s in ("diverged", "failed", "missing") if found[s]]
    return ", ".join([f"{found['ok']} of {len(trials)}", *lacking])
