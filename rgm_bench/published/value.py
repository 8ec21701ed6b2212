"""A published number and the row it stands in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, final

Label = Literal["P", "S", "R", "D"]
"""How far a number can be trusted: primary, secondary, a review's prose, derived."""


@final
@dataclass(frozen=True)
class PublishedValue:
    """One value with the digits it was published with, or None where no source gives it.

    `source` says in words where it was read; `note` what else a reader of it has to know.

    Raises:
        ValueError: a value without a label or without a source, or one of these without a value.
    """

    text: str | None = None
    label: Label | None = None
    source: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if len({part is None for part in (self.text, self.label, self.source)}) > 1:
            raise ValueError(
                f"a published value has a label and a source, and what is not known has neither; "
                f"found value {self.text!r}, label {self.label!r}, source {self.source!r}"
            )

    @property
    def number(self) -> float | None:
        """It as a number, or None where it is not known.

        Raises:
            ValueError: it is a word.
        """
        return None if self.text is None else float(self.text)


_UNKNOWN = PublishedValue()


@final
@dataclass(frozen=True)
class PublishedRow:
    """What is published of one model in one table or figure.

    `table` is our name of the table, `figure` the paper's number of a figure, `dataset` the name
    that studies use. `values` is keyed by the short name of the metric. `extractor` and
    `num_images` say what its scores were measured with.
    """

    paper: str
    table: str
    model: str
    dataset: str | None
    values: Mapping[str, PublishedValue]
    figure: int | None = None
    extractor: PublishedValue = _UNKNOWN
    num_images: PublishedValue = _UNKNOWN

    @property
    def measured(self) -> str:
        """What its scores were measured with: `inception, n=50,000`; empty where not known."""
        number = self.num_images.number
        parts = [self.extractor.text, None if number is None else f"n={number:,.0f}"]
        return ", ".join(part for part in parts if part)

    def value(self, metric: str) -> PublishedValue:
        """Its value of a metric, which is not known where the table has none."""
        return self.values.get(metric, _UNKNOWN)


@final
@dataclass(frozen=True)
class PublishedPaper:
    """A paper: how to cite it, what its labels and data sets are called, and all of its rows."""

    key: str
    citation: str
    labels: Mapping[Label, str]
    datasets: Mapping[str, str]
    rows: tuple[PublishedRow, ...] = field(default=())

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables, in order."""
        return tuple(dict.fromkeys(row.table for row in self.rows))
