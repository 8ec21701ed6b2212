"""A table of a study: what is in each cell, as numbers and as text. `render` writes it out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import pandas as pd

from rgm_bench.config.study import StudySpec, TableItem
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.columns import column
from rgm_bench.report.numbers import (
    NOTHING,
    decimals,
    label,
    number,
    plain,
    setting,
    si_prefix,
    with_interval,
)
from rgm_bench.report.select import Arm, Measure, Row, arms, at_main_share, measures


@final
@dataclass(frozen=True)
class Header:
    """The head of a column: `FID ↓` and, smaller, `digits_cnn_v1, n=1437`."""

    title: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.title} ({self.detail})" if self.detail else self.title


@final
@dataclass(frozen=True)
class Cell:
    """One text of a table: `best` where no arm has a better score, `gap` where a number lacks."""

    text: str
    best: bool = False
    gap: bool = False


@final
@dataclass(frozen=True)
class TableRow:
    """One arm; `real` for a row of real images, which is set apart from the generated ones."""

    cells: tuple[Cell, ...]
    real: bool


@final
@dataclass(frozen=True)
class Table:
    """A table ready to be written.

    `frame` is its content in long form at full precision: one row an arm and a column of numbers.
    """

    name: str
    title: str
    caption: str
    headers: tuple[Header, ...]
    rows: tuple[TableRow, ...]
    frame: pd.DataFrame


@final
@dataclass(frozen=True)
class _Numbers:
    """One column of numbers over all arms: the estimate of each, and how they are shown."""

    measure: Measure
    arms: Sequence[Arm]

    @cached_property
    def estimates(self) -> Sequence[Estimate | None]:
        return [self.measure.estimate(arm) for arm in self.arms]

    @cached_property
    def best(self) -> float | None:
        """The best centre of the generated arms; None where there is nothing to choose from."""
        centers = [
            e.center
            for arm, e in zip(self.arms, self.estimates, strict=True)
            if e is not None and arm.real is None
        ]
        if self.measure.column.better is None or len(centers) < 2:
            return None
        return (min if self.measure.column.better == "lower" else max)(centers)

    @cached_property
    def _prefix(self) -> tuple[float, str]:
        if not self.measure.column.si:
            return 1, ""
        return si_prefix(max((abs(e.center) for e in self.estimates if e), default=1))

    def header(self) -> Header:
        shown = self.measure.column
        words, _, last = shown.title.rpartition(" ")
        title = f"{words} {self._prefix[1]}{last}" if self._prefix[1] else shown.title
        return Header(title + shown.arrow, self.measure.detail)

    def cell(self, arm: Arm, found: Estimate | None) -> Cell:
        if found is None:
            return _gap(self.measure, arm)
        best = arm.real is None and found.center == self.best
        match self.measure.column.role:
            case "score":
                finished = sum(t["status"] == "ok" for t in arm.of(self.measure.evaluation))
                text = with_interval(found, factor=self.measure.column.factor)
                return Cell(text + (f" (n={found.n})" if found.n < finished else ""), best)
            case "setting":
                return Cell(setting(found.center))
            case "training" | "evaluation":
                center = found.center / self._prefix[0]
                return Cell(number(center, decimals(center) if center % 1 else 0))

    def cells(self) -> list[Cell]:
        return [self.cell(arm, e) for arm, e in zip(self.arms, self.estimates, strict=True)]


def build_table(study: StudySpec, trials: Sequence[Row], item: TableItem, *, name: str) -> Table:
    """The table that `item` asks for, of the trials that are finished and of those that are not.

    Args:
        study: whose trials they are.
        trials: the rows of its frame, whole.
        item: what to show.
        name: the stem of its files.

    Raises:
        StudyError: a column that no frame has.
    """
    chosen, shares = at_main_share(trials)
    lines = arms(study, chosen, over=item.rows)
    axes = _axes_shown(study, lines, first=item.rows)
    shorts = [(short, column(short)) for short in item.columns if short not in axes]
    columns = [_Numbers(measure, lines) for measure in measures(shorts, chosen)]
    labels, seeds = _label_cells(axes, lines), [_seeds_cell(arm) for arm in lines]
    by_row = zip(labels, *(shown.cells() for shown in columns), seeds, strict=True)
    return Table(
        name=name,
        title=study.title,
        caption=_caption(study, chosen, shares, columns),
        headers=(
            *(Header(words(axis)) for axis in axes),
            *(shown.header() for shown in columns),
            Header("seeds"),
        ),
        rows=tuple(
            TableRow((*first, *rest), arm.real is not None)
            for arm, (first, *rest) in zip(lines, by_row, strict=True)
        ),
        frame=_long_frame(axes, columns, shares),
    )


def words(name: str) -> str:
    """The name of an axis as a reader would write it."""
    return name.replace("_", " ")


def origins(lines: Sequence[Arm]) -> list[str]:
    """The name of each row of real images; empty for generated ones.

    It tells data sets and references apart only where there are several.
    """
    several = len({arm.origin for arm in lines if arm.real}) > 1
    return [
        f"real {arm.real} images" + (" ({}, against {})".format(*arm.origin) if several else "")
        if arm.real
        else ""
        for arm in lines
    ]


def counts(trials: Sequence[Row]) -> str:
    """How many seeds an arm has: `3`, or `1 of 3, 1 diverged, 1 missing`."""
    found = Counter(str(trial["status"]) for trial in trials)
    if found["ok"] == len(trials):
        return str(len(trials))
    lacking = [f"{found[s]} {s}" for s in ("diverged", "missing") if found[s]]
    return ", ".join([f"{found['ok']} of {len(trials)}", *lacking])


def _gap(measure: Measure, arm: Arm) -> Cell:
    if not measure.was_planned(arm):
        return Cell(NOTHING)
    statuses = {trial["status"] for trial in arm.of(measure.evaluation)}
    return Cell("diverged" if statuses == {"diverged"} else "missing", gap=True)


def _axes_shown(study: StudySpec, lines: Sequence[Arm], *, first: str) -> list[str]:
    labelled = {axis for arm in lines for axis in arm.labels}
    return [first, *(axis for axis in study.axes if axis != first and axis in labelled)]


def _label_cells(axes: Sequence[str], lines: Sequence[Arm]) -> list[tuple[Cell, ...]]:
    return [
        (Cell(origin), *(Cell("") for _ in axes[1:]))
        if origin
        else tuple(
            Cell(label(arm.labels[axis]) if axis in arm.labels else NOTHING) for axis in axes
        )
        for arm, origin in zip(lines, origins(lines), strict=True)
    ]


def _seeds_cell(arm: Arm) -> Cell:
    evaluations = sorted({trial["evaluation"] for trial in arm.trials})
    texts = [counts(arm.of(evaluation)) for evaluation in evaluations]
    gap = any(trial["status"] != "ok" for trial in arm.trials)
    if len(set(texts)) == 1:
        return Cell(texts[0], gap=gap)
    named = (f"{name}: {text}" for name, text in zip(evaluations, texts, strict=True))
    return Cell("; ".join(named), gap=gap)


# --- what stands under a table ----------------------------------------------------------------


def _caption(
    study: StudySpec,
    trials: Sequence[Row],
    shares: Mapping[str, float],
    columns: Sequence[_Numbers],
) -> str:
    scores = [shown for shown in columns if shown.measure.column.role == "score"]
    costs = [shown for shown in columns if shown.measure.column.role in ("training", "evaluation")]
    parts = [
        _share_sentence(trials, shares),
        *_scale_sentences(scores),
        "Costs: mean over seeds, of whole trainings." if costs else "",
        "Bold: the best centre of the generated arms."
        if any(shown.best is not None for shown in scores)
        else "",
        "Real images: as many, drawn from the split that is named."
        if any(arm.real for shown in columns for arm in shown.arms)
        else "",
        _gaps_sentence(trials),
    ]
    return f"{study.title}. " + " ".join(part for part in parts if part)


def _share_sentence(trials: Sequence[Row], shares: Mapping[str, float]) -> str:
    sentences: list[str] = []
    for evaluation, share in sorted(shares.items()):
        at_share = (t for t in trials if t["evaluation"] == evaluation and t["at"] == share)
        images = sorted({int(trial["images"]) for trial in at_share})
        seen = " to ".join(plain(count) for count in sorted({images[0], images[-1]}))
        part = "" if share == 1 else f", {share:.4g} of the training"
        name = f" ({evaluation})" if len(shares) > 1 else ""
        sentences.append(f"After {seen} training images{part}{name}.")
    return " ".join(sentences)


def _scale_sentences(scores: Sequence[_Numbers]) -> list[str]:
    titles = {"log": list[str](), "plain": list[str]()}
    for shown in scores:
        name = shown.measure.column.title
        chosen = titles[shown.measure.column.scale]
        chosen += [] if name in chosen else [name]
    log, plain_ = ", ".join(titles["log"]), ", ".join(titles["plain"])
    sentences = [
        f"{log}: geometric mean over seeds and 95% Student t interval of the logarithm "
        "(arithmetic where a value is not above 0)."
        if log
        else "",
        f"{plain_}: mean over seeds and 95% Student t interval." if plain_ else "",
        "One seed has no interval." if scores else "",
    ]
    return [sentence for sentence in sentences if sentence]


def _gaps_sentence(trials: Sequence[Row]) -> str:
    found = Counter(str(trial["status"]) for trial in trials)
    lacking = [f"{found[s]} {s}" for s in ("diverged", "missing") if found[s]]
    return f"Of {len(trials)} trials {' and '.join(lacking)}." if lacking else ""


# --- numbers at full precision ----------------------------------------------------------------


def _long_frame(
    axes: Sequence[str], columns: Sequence[_Numbers], shares: Mapping[str, float]
) -> pd.DataFrame:
    settings = [shown.measure.source for shown in columns if _is_setting(shown)]
    rows = [
        _long_row([*axes, *settings], shown.measure, arm, found, shares)
        for shown in columns
        for arm, found in zip(shown.arms, shown.estimates, strict=True)
        if not _is_setting(shown) and (found is not None or shown.measure.was_planned(arm))
    ]
    names = [*axes, *settings, *_LONG_TYPES]
    return pd.DataFrame(rows, columns=names).astype(_LONG_TYPES)


def _is_setting(shown: _Numbers) -> bool:
    return shown.measure.column.role == "setting"


_LONG_TYPES = {
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


def _long_row(
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
        "missing": statuses["missing"],
    }
