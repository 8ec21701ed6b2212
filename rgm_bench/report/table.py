"""What a table is: texts in cells under heads. `render` writes it out, the page draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal, final

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["supported", "contradicted", "inconclusive"]


@final
@dataclass(frozen=True)
class Header:
    """The head of a column: `FID ↓` and, smaller, `digits_cnn_v1, n=1437`.

    `group` stands over all the columns that share it; `is_text` columns are aligned left.
    """

    title: str
    detail: str = ""
    group: str = ""
    is_text: bool = False

    def __str__(self) -> str:
        whole = f"{self.title} ({self.detail})" if self.detail else self.title
        return f"{self.group}: {whole}" if self.group else whole


@final
@dataclass(frozen=True)
class Group:
    """The columns from `first` on, counted from 0, that share a head of their own."""

    name: str
    first: int
    span: int


@final
@dataclass(frozen=True)
class Cell:
    """One text of a table.

    `best` where no arm has a better score, `gap` where a number lacks, `soft` for what stands in
    for a number that nobody has, `verdict` where the text is one.
    """

    text: str
    best: bool = False
    gap: bool = False
    soft: bool = False
    verdict: Verdict | None = None


@final
@dataclass(frozen=True)
class TableRow:
    """One arm; `real` for a row of real data, which is set apart from the generated ones."""

    cells: tuple[Cell, ...]
    real: bool = False


@final
@dataclass(frozen=True)
class Table:
    """A table ready to be written.

    `heading` says what it shows in a few words, `notes` are sentences of their own below the
    caption. `frame` is its content in long form at full precision.
    """

    name: str
    title: str
    heading: str
    caption: str
    headers: tuple[Header, ...]
    rows: tuple[TableRow, ...]
    frame: "pd.DataFrame"
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> Sequence[Group]:
        """The groups over its columns; none where nothing is grouped."""
        found: list[Group] = []
        for name, headers in groupby(self.headers, lambda header: header.group):
            first = found[-1].first + found[-1].span if found else 0
            found.append(Group(name, first, len(list(headers))))
        return found if any(group.name for group in found) else ()

    def starts_group(self, place: int) -> bool:
        """Whether another group than before begins at a column, which is not the first."""
        return place > 0 and self.headers[place].group != self.headers[place - 1].group

    def is_left(self, place: int) -> bool:
        """Whether a column is aligned left: the first one, and those of texts."""
        return place == 0 or self.headers[place].is_text
