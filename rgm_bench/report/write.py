"""A report from the first read to the last file."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from rgm_bench.config.study import (
    CurveItem,
    DensitiesItem,
    PublishedItem,
    ReportItem,
    RestorationsItem,
    SamplesItem,
    ScatterItem,
    SearchItem,
    StudySpec,
    TableItem,
)
from rgm_bench.report import Report
from rgm_bench.report.claims import ShownClaim, claims_table
from rgm_bench.report.figures.curve import curve_drawings
from rgm_bench.report.figures.densities import densities_drawing
from rgm_bench.report.figures.drawing import Drawing
from rgm_bench.report.figures.restorations import restorations_drawing
from rgm_bench.report.figures.samples import samples_drawing
from rgm_bench.report.figures.scatter import scatter_drawings
from rgm_bench.report.figures.search import search_drawings
from rgm_bench.report.figures.training import MAX_SEEDS, shown_arms, training_drawing
from rgm_bench.report.hours import hours_of
from rgm_bench.report.page import Picture, page
from rgm_bench.report.published_table import build_published_table
from rgm_bench.report.render import to_csv, to_latex, to_markdown
from rgm_bench.report.search_table import build_search_table
from rgm_bench.report.select import Row, rows_of
from rgm_bench.report.style import rendered
from rgm_bench.report.table import Table
from rgm_bench.report.tables import build_table
from rgm_bench.results.files import write_whole
from rgm_bench.results.frames import Results, curves_frame, evaluations_frame, write_parquet


def write(study: StudySpec, view: Results, folder: Path, *, claims: Sequence[ShownClaim]) -> Report:
    """See `rgm_bench.report.write_report`."""
    frame = evaluations_frame(study, view)
    write_parquet(frame, folder / "trials.parquet")
    trials = rows_of(frame)
    tables = list(_tables(study, trials))
    decided = claims_table(study.title, claims) if claims else None
    shown = (*tables, *([decided] if decided else []))
    pictures = [_picture(drawing) for drawing in _drawings(study, trials, view)]
    files = [*_write_tables(shown, folder / "tables"), *_write(pictures, folder / "figures")]
    text = page(study, trials, tables, pictures, claims=decided)
    write_whole(folder / "report.html", text.encode())
    return Report(
        page=folder / "report.html",
        trials=folder / "trials.parquet",
        files=tuple(files),
        counts=Counter(trial["status"] for trial in trials),
        tables=shown,
        hours=str(hours_of(trials)),
    )


def _tables(study: StudySpec, trials: Sequence[Row]) -> Iterator[Table]:
    for name, item in _named(study):
        if isinstance(item, TableItem):
            yield build_table(study, trials, item, name=name)
        elif isinstance(item, SearchItem):
            yield build_search_table(study, trials, item, name=name)
        elif isinstance(item, PublishedItem):
            yield build_published_table(study, trials, item, name=name)


def _drawings(study: StudySpec, trials: Sequence[Row], view: Results) -> Iterator[Drawing]:
    for name, item in _named(study):
        yield from _drawings_of(item, study, trials, view, name)
    shown = shown_arms(study, trials)
    trainings = {trial["training_id"] for arm in shown for trial in arm.trials[:MAX_SEEDS]}
    curves = curves_frame(study, view, training_ids=trainings)
    yield from _drawn(training_drawing(study, trials, shown, curves))


def _drawings_of(
    item: ReportItem, study: StudySpec, trials: Sequence[Row], view: Results, name: str
) -> Iterator[Drawing]:
    match item:
        case CurveItem():
            yield from curve_drawings(study, trials, item, name=name)
        case ScatterItem():
            yield from scatter_drawings(study, trials, item, name=name)
        case SamplesItem():
            yield from _drawn(samples_drawing(study, trials, view, item, name=name))
        case DensitiesItem():
            yield from _drawn(densities_drawing(study, trials, view, item, name=name))
        case RestorationsItem():
            yield from _drawn(restorations_drawing(study, trials, view, item, name=name))
        case SearchItem():
            yield from search_drawings(study)
        case TableItem() | PublishedItem():
            pass
        case _:
            assert_never(item)


def _drawn(drawing: Drawing | None) -> list[Drawing]:
    return [] if drawing is None else [drawing]


def _named(study: StudySpec) -> Iterator[tuple[str, ReportItem]]:
    """Each item with the stem of its files: the same item twice gets a number."""
    seen: Counter[str] = Counter()
    for item in study.report:
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", _stem(item))
        seen[stem] += 1
        yield f"{stem}_{seen[stem]}" if seen[stem] > 1 else stem, item


def _stem(item: ReportItem) -> str:
    match item:
        case TableItem():
            return f"table_{item.rows}"
        case PublishedItem():
            return f"published_{item.table or item.dataset}"
        case CurveItem():
            return f"{item.y}_over_{item.x}"
        case ScatterItem():
            return f"{item.y}_against_{item.x}"
        case SamplesItem():
            return f"samples_over_{item.over}"
        case DensitiesItem():
            return f"densities_over_{item.over}"
        case SearchItem():
            return "best_trials"
        case RestorationsItem():
            return f"restorations_{item.evaluation}"
        case _:
            assert_never(item)


def _picture(drawing: Drawing) -> Picture:
    svg, png = rendered(drawing.figure)
    return Picture(drawing.name, drawing.caption, svg, png, drawing.raster)


def _write_tables(tables: Sequence[Table], folder: Path) -> Iterator[Path]:
    writers = {".csv": to_csv, ".md": to_markdown, ".tex": to_latex}
    for table in tables:
        for suffix, text_of in writers.items():
            path = folder / f"{table.name}{suffix}"
            write_whole(path, text_of(table).encode())
            yield path


def _write(pictures: Sequence[Picture], folder: Path) -> Iterator[Path]:
    for picture in pictures:
        for suffix, content in ((".svg", picture.svg), (".png", picture.png)):
            path = folder / f"{picture.name}{suffix}"
            write_whole(path, content)
            yield path
