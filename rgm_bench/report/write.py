"""A report from the first read to the last file."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from rgm_bench.config.study import CurveItem, SamplesItem, StudySpec, TableItem
from rgm_bench.report import Report
from rgm_bench.report.figures import Drawing, curve_drawings, samples_drawing
from rgm_bench.report.page import Picture, page
from rgm_bench.report.progress import MAX_SEEDS, shown_arms, training_drawing
from rgm_bench.report.render import to_csv, to_latex, to_markdown
from rgm_bench.report.select import Row, rows_of
from rgm_bench.report.style import rendered
from rgm_bench.report.tables import Table, build_table
from rgm_bench.results.files import write_whole
from rgm_bench.results.frames import Results, curves_frame, evaluations_frame, write_parquet


def write(study: StudySpec, view: Results, folder: Path) -> Report:
    """See `rgm_bench.report.write_report`."""
    frame = evaluations_frame(study, view)
    write_parquet(frame, folder / "trials.parquet")
    trials = rows_of(frame)
    tables = tuple(_tables(study, trials))
    pictures = [_picture(drawing) for drawing in _drawings(study, trials, view)]
    files = [*_write_tables(tables, folder / "tables"), *_write(pictures, folder / "figures")]
    write_whole(folder / "report.html", page(study, trials, tables, pictures).encode())
    return Report(
        page=folder / "report.html",
        trials=folder / "trials.parquet",
        files=tuple(files),
        counts=Counter(trial["status"] for trial in trials),
        tables=tables,
    )


def _tables(study: StudySpec, trials: Sequence[Row]) -> Iterator[Table]:
    for name, item in _named(study):
        if isinstance(item, TableItem):
            yield build_table(study, trials, item, name=name)


def _drawings(study: StudySpec, trials: Sequence[Row], view: Results) -> Iterator[Drawing]:
    for name, item in _named(study):
        match item:
            case CurveItem():
                yield from curve_drawings(study, trials, item, name=name)
            case SamplesItem():
                samples = samples_drawing(study, trials, view, item, name=name)
                yield from [samples] if samples else []
            case TableItem():
                pass
            case _:
                assert_never(item)
    shown = shown_arms(study, trials)
    trainings = {trial["training_id"] for arm in shown for trial in arm.trials[:MAX_SEEDS]}
    curves = curves_frame(study, view, training_ids=trainings)
    training = training_drawing(study, trials, shown, curves)
    yield from [training] if training else []


def _named(study: StudySpec) -> Iterator[tuple[str, TableItem | CurveItem | SamplesItem]]:
    """Each item with the stem of its files: the same item twice gets a number."""
    seen: Counter[str] = Counter()
    for item in study.report:
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", _stem(item))
        seen[stem] += 1
        yield f"{stem}_{seen[stem]}" if seen[stem] > 1 else stem, item


def _stem(item: TableItem | CurveItem | SamplesItem) -> str:
    match item:
        case TableItem():
            return f"table_{item.rows}"
        case CurveItem():
            return f"{item.y}_over_{item.x}"
        case SamplesItem():
            return f"samples_over_{item.over}"
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
