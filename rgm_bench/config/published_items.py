"""What an item of published numbers asks for: which published rows, beside labels of which axis."""

from collections.abc import Mapping, Sequence

from rgm_bench.config.study import AxisValue, PublishedItem
from rgm_bench.published import PublishedRow, published_rows


def rows_asked(item: PublishedItem) -> tuple[PublishedRow, ...]:
    """The published rows of its data set and table that have any of its metrics.

    Raises:
        StudyError: there is no such paper, data set or table.
    """
    rows = published_rows(item.paper, dataset=item.dataset, table=item.table)
    return tuple(row for row in rows if set(item.metrics) & set(row.values))


def published_axis(item: PublishedItem, axes: Mapping[str, Sequence[AxisValue]]) -> str | None:
    """The axis that the rows are labels of: `over`, else the first that has all of them."""
    if item.over is not None:
        return item.over if item.over in axes else None
    return next(
        (
            axis
            for axis, labels in axes.items()
            if all(label_on(labels, text) is not None for text in item.rows)
        ),
        None,
    )


def label_on(labels: Sequence[AxisValue], text: str) -> AxisValue | None:
    """The label of an axis that a key of a YAML map stands for: keys are always text there."""
    return next((label for label in labels if _is_written(label, text)), None)


def _is_written(label: AxisValue, text: str) -> bool:
    match label:
        case bool():
            return text.lower() == str(label).lower()
        case int() | float():
            return _number(text) == label
        case str():
            return text == label


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
