"""A table of a study: a row an arm, mean, interval and number of seeds in its cells."""

from collections.abc import Sequence

from rgm_bench.config.study import StudySpec, TableItem
from rgm_bench.report.captions import arms_caption
from rgm_bench.report.columns import column
from rgm_bench.report.long_form import long_frame
from rgm_bench.report.naming import words
from rgm_bench.report.number_columns import NumberColumn, label_cells, seeds_cell
from rgm_bench.report.select import Arm, Row, arms, at_main_share, measures, of_evaluation
from rgm_bench.report.table import Header, Table, TableRow


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
    chosen, shares = at_main_share(of_evaluation(trials, item.evaluation))
    lines = arms(study, chosen, over=item.rows)
    axes = axes_shown(study, lines, first=item.rows)
    shorts = [(short, column(short)) for short in item.columns if short not in axes]
    columns = [NumberColumn(measure, lines) for measure in measures(shorts, chosen)]
    labels, seeds = label_cells(axes, lines), [seeds_cell(arm) for arm in lines]
    by_row = zip(labels, *(shown.cells() for shown in columns), seeds, strict=True)
    return Table(
        name=name,
        title=study.title,
        heading=f"By {words(item.rows)}",
        caption=f"{study.title}. {arms_caption(chosen, shares, columns, study.tuned)}",
        headers=(
            *(Header(words(axis)) for axis in axes),
            *(shown.header() for shown in columns),
            Header("seeds"),
        ),
        rows=tuple(
            TableRow((*first, *rest), arm.real is not None)
            for arm, (first, *rest) in zip(lines, by_row, strict=True)
        ),
        frame=long_frame(axes, columns, shares),
    )


def axes_shown(study: StudySpec, lines: Sequence[Arm], *, first: str) -> list[str]:
    """The axes that any of the arms has a value on, `first` before the others."""
    labelled = {axis for arm in lines for axis in arm.labels}
    return [first, *(axis for axis in study.axes if axis != first and axis in labelled)]
