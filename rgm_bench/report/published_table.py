"""Our numbers beside published ones: two groups of columns, and no column in both.

A published number was measured on other images, by other code, often with another network. So it
is never averaged with ours, ranked with ours or printed below ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import pandas as pd

from rgm_bench.config.published_items import label_on, published_axis, rows_asked
from rgm_bench.config.study import PublishedItem, StudySpec
from rgm_bench.errors import StudyError
from rgm_bench.published import PublishedPaper, PublishedRow, PublishedValue, published_paper
from rgm_bench.report.captions import arms_caption
from rgm_bench.report.columns import Column, column
from rgm_bench.report.long_form import long_frame
from rgm_bench.report.naming import words
from rgm_bench.report.number_columns import NumberColumn, label_cells, seeds_cell
from rgm_bench.report.numbers import plain
from rgm_bench.report.select import Arm, Row, arms, at_main_share, measures, of_evaluation
from rgm_bench.report.table import Cell, Header, Table, TableRow
from rgm_bench.report.tables import axes_shown

NOT_PUBLISHED = "not published"


def build_published_table(
    study: StudySpec, trials: Sequence[Row], item: PublishedItem, *, name: str
) -> Table:
    """The table that `item` asks for; of published numbers alone if no arm has a partner.

    Args:
        study: whose trials they are.
        trials: the rows of its frame, whole.
        item: which of our arms stands beside which published model.
        name: the stem of its files.

    Raises:
        StudyError: a metric, data set or table that there is not, or rows that no axis has.
    """
    chosen, shares = at_main_share(of_evaluation(trials, item.evaluation))
    ours, theirs = _ours(study, chosen, shares, item), _theirs(item)
    caption = arms_caption(
        ours.trials, ours.shares, ours.columns, study.tuned if item.rows else None
    )
    return Table(
        name=name,
        title=study.title,
        heading="Ours beside published" if item.rows else "Published",
        caption=f"{study.title}. {caption}".rstrip(),
        headers=(*ours.headers(), *theirs.headers()),
        rows=tuple(_table_rows(ours, theirs)),
        frame=_frame(ours, theirs),
        notes=tuple(_notes(ours, theirs)),
    )


@final
@dataclass(frozen=True)
class _Ours:
    """The group on the left: the arms that have a published partner, and real data.

    `models` holds the partner of each arm, None for real data.
    """

    axes: Sequence[str]
    arms: Sequence[Arm]
    columns: Sequence[NumberColumn]
    models: Sequence[str | None]
    shares: Mapping[str, float]

    @property
    def trials(self) -> list[Row]:
        return [trial for arm in self.arms for trial in arm.trials]

    @property
    def data(self) -> set[str]:
        return {arm.origin[0] for arm in self.arms}

    @property
    def scores(self) -> list[str]:
        """What the scores are measured with: `digits_cnn_v1, n=1437`."""
        measures_ = [shown.measure for shown in self.columns]
        return list(dict.fromkeys(m.detail for m in measures_ if m.column.role == "score"))

    def headers(self) -> list[Header]:
        if not self.arms:
            return []
        named = [Header(words(axis)) for axis in self.axes]
        shown = [*named, *(column.header() for column in self.columns), Header("seeds")]
        group = f"ours, {' and '.join(sorted(self.data))}"
        return [Header(header.title, header.detail, group) for header in shown]

    def rows(self) -> list[tuple[Cell, ...]]:
        labels, seeds = label_cells(self.axes, self.arms), [seeds_cell(arm) for arm in self.arms]
        by_row = zip(labels, *(shown.cells() for shown in self.columns), seeds, strict=True)
        return [(*first, *rest) for first, *rest in by_row]


@final
@dataclass(frozen=True)
class _Theirs:
    """The group on the right: published models by their names, and which need no partner."""

    paper: PublishedPaper
    models: Mapping[str, PublishedRow]
    alone: Sequence[str]
    metrics: Sequence[tuple[str, Column]]

    def shown(self, ours: _Ours) -> list[PublishedRow]:
        """The published rows that the table has, each once."""
        beside = [model for model in ours.models if model is not None]
        return [self.models[model] for model in dict.fromkeys([*beside, *self.alone])]

    @property
    def dataset(self) -> str:
        keys = dict.fromkeys(row.dataset for row in self.models.values())
        names = (self.paper.datasets[key] if key else "data set not stated" for key in keys)
        return " and ".join(names)

    @property
    def scores(self) -> str:
        """What the scores are measured with: `inception, n=50,000`."""
        return " / ".join(dict.fromkeys(r.measured for r in self.models.values() if r.measured))

    def headers(self) -> list[Header]:
        group = f"published, {self.dataset}"
        shown = [
            Header(
                column.title.partition(" \N{MULTIPLICATION SIGN}")[0] + column.arrow,
                self.scores if column.role == "score" else "",
                group,
            )
            for _, column in self.metrics
        ]
        return [Header("model", group=group, is_text=True), *shown]

    def cells(self, model: str | None) -> tuple[Cell, ...]:
        if model is None:
            return tuple(Cell("") for _ in range(1 + len(self.metrics)))
        row = self.models[model]
        return (Cell(model), *(_cell(row.value(short)) for short, _ in self.metrics))


def _ours(
    study: StudySpec, chosen: Sequence[Row], shares: Mapping[str, float], item: PublishedItem
) -> _Ours:
    if not item.rows:
        return _Ours(axes=(), arms=(), columns=(), models=(), shares={})
    axis = published_axis(item, study.axes)
    if axis is None:
        raise StudyError(f"report: no axis has all of the labels {', '.join(item.rows)}")
    models = {label_on(study.axes[axis], text): model for text, model in item.rows.items()}
    found = arms(study, chosen, over=axis)
    lines = [arm for arm in found if arm.real or arm.labels[axis] in models]
    shown = measures([(short, column(short)) for short in item.metrics], chosen)
    return _Ours(
        axes=axes_shown(study, lines, first=axis),
        arms=lines,
        columns=[NumberColumn(measure, lines) for measure in shown],
        models=[None if arm.real else models[arm.labels[axis]] for arm in lines],
        shares=shares,
    )


def _theirs(item: PublishedItem) -> _Theirs:
    models = {row.model: row for row in rows_asked(item)}
    others = [model for model in models if model not in item.rows.values()]
    known = {metric for row in models.values() for metric in row.values}
    shown = [(short, column(short)) for short in item.metrics if short in known]
    return _Theirs(
        paper=published_paper(item.paper),
        models=models,
        alone=others if item.alone is None else item.alone,
        metrics=shown,
    )


def _table_rows(ours: _Ours, theirs: _Theirs) -> Iterator[TableRow]:
    """Arms with their partners, then published models alone, then real data."""
    whole = [
        TableRow((*cells, *theirs.cells(model)), real=model is None)
        for cells, model in zip(ours.rows(), ours.models, strict=True)
    ]
    nothing = tuple(Cell("") for _ in ours.headers())
    yield from (row for row in whole if not row.real)
    yield from (TableRow((*nothing, *theirs.cells(model))) for model in theirs.alone)
    yield from (row for row in whole if row.real)


def _cell(value: PublishedValue) -> Cell:
    if value.number is None:
        return Cell(NOT_PUBLISHED, soft=True)
    shown = plain(value.number) if value.number % 1 == 0 else value.text
    return Cell(f"{shown} ({value.label})")


# --- notes ------------------------------------------------------------------------------------


def _notes(ours: _Ours, theirs: _Theirs) -> Iterator[str]:
    values = [
        (row.model, shown.title, row.value(short))
        for row in theirs.shown(ours)
        for short, shown in theirs.metrics
    ]
    if ours.scores and not _is_same_measurement(ours, theirs):
        measured = f", {theirs.scores}" if theirs.scores else ""
        yield (
            f"ours: {', '.join(sorted(ours.data))}, {' and '.join(ours.scores)}; "
            f"published: {theirs.dataset}{measured}: not comparable in size, only in order."
        )
    yield f"Published: {theirs.paper.citation}, with what it compares itself with."
    used = {value.label for _, _, value in values}
    meanings = [f"({mark}) {text}" for mark, text in theirs.paper.labels.items() if mark in used]
    if meanings:
        yield f"How far to trust a published number: {'; '.join(meanings)}."
    if any(value.text is None for _, _, value in values):
        yield f'"{NOT_PUBLISHED}": no source at hand gives this number.'
    yield from (f"{model}, {title}: {value.note}." for model, title, value in values if value.note)


def _is_same_measurement(ours: _Ours, theirs: _Theirs) -> bool:
    """Whether data set, network and number of images are the same on both sides."""
    here = {
        (t["data"], t["extractor"].partition("_")[0], float(t["num_images"])) for t in ours.trials
    }
    there = {(r.dataset, r.extractor.text, r.num_images.number) for r in theirs.shown(ours)}
    return here == there


# --- numbers at full precision ----------------------------------------------------------------


def _frame(ours: _Ours, theirs: _Theirs) -> pd.DataFrame:
    """Ours in the columns of every table, published ones in columns of their own."""
    left = [long_frame(ours.axes, ours.columns, ours.shares)] if ours.arms else []
    right = pd.DataFrame(
        {
            "published_model": row.model,
            "published_data": row.dataset,
            "published_metric": short,
            "published_value": row.value(short).number,
            "published_trust": row.value(short).label,
            "published_source": row.value(short).source,
            "published_note": row.value(short).note,
        }
        for row in theirs.shown(ours)
        for short, _ in theirs.metrics
    )
    return pd.concat([*left, right], ignore_index=True)
