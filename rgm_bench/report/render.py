"""One table as CSV, Markdown, LaTeX, and on a console."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from rgm_bench.report.numbers import MINUS, NOTHING
from rgm_bench.report.table import Cell, Table, TableRow

_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "∞": r"$\infty$",
    "λ": r"$\lambda$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "\N{MULTIPLICATION SIGN} 10³": r"$\times 10^3$",
    MINUS: "$-$",
    NOTHING: "--",
    "…": r"\dots{}",
}
_LATEX_SIGNS = re.compile("|".join(re.escape(sign) for sign in sorted(_LATEX, key=len)[::-1]))


def to_csv(table: Table) -> str:
    """Its long form, every number with all its digits."""
    return table.frame.to_csv(index=False, lineterminator="\n")


def to_markdown(table: Table) -> str:
    """A pipe table, padded so that it is a table to the eye too, its caption and its notes."""
    head = [_markdown(str(header)) for header in table.headers]
    body = [[_markdown_cell(cell) for cell in row.cells] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    left = [table.is_left(place) for place in range(len(widths))]
    rule = ["-" * w if is_l else f"{'-' * (w - 1)}:" for w, is_l in zip(widths, left, strict=True)]
    padded = [
        [f"{t:{'<' if is_l else '>'}{w}}" for t, w, is_l in zip(line, widths, left, strict=True)]
        for line in (head, rule, *body)
    ]
    notes = [f"- {_markdown(note)}" for note in table.notes]
    lines = [f"| {' | '.join(line)} |" for line in padded]
    return "\n".join([*lines, "", _markdown(table.caption), "", *notes, *([""] if notes else [])])


def to_latex(table: Table) -> str:
    """A floating table for `booktabs`, every sign of its texts escaped."""
    generated = [_latex_row(row) for row in table.rows if not row.real]
    real = [_latex_row(row) for row in table.rows if row.real]
    columns = "".join("l" if table.is_left(i) else "r" for i in range(len(table.headers)))
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape_latex(table.caption)}}}",
        rf"  \label{{tab:{re.sub('[^A-Za-z0-9]+', '-', table.name)}}}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        *_latex_groups(table),
        *(f"    {' & '.join(line)} \\\\" for line in _latex_head(table)),
        r"    \midrule",
        *generated,
        *([r"    \midrule", *real] if real and generated else real),
        r"    \bottomrule",
        r"  \end{tabular}",
        *(rf"  \par\footnotesize {escape_latex(note)}" for note in table.notes),
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def _latex_head(table: Table) -> list[list[str]]:
    details = [
        rf"{{\footnotesize {escape_latex(h.detail)}}}" if h.detail else "" for h in table.headers
    ]
    titles = [escape_latex(header.title) for header in table.headers]
    return [titles, details] if any(details) else [titles]


def _latex_groups(table: Table) -> list[str]:
    """A line of groups, and a rule under each that does not reach its neighbour."""
    if not table.groups:
        return []
    named = [rf"\multicolumn{{{g.span}}}{{c}}{{{escape_latex(g.name)}}}" for g in table.groups]
    rules = [rf"\cmidrule(lr){{{g.first + 1}-{g.first + g.span}}}" for g in table.groups]
    return [f"    {' & '.join(named)} \\\\", f"    {' '.join(rules)}"]


def escape_latex(text: str) -> str:
    """`text` as LaTeX prints it, whatever signs it holds."""
    return _LATEX_SIGNS.sub(lambda found: _LATEX[found.group()], text)


@final
@dataclass(frozen=True)
class ConsoleTable:
    """A table for a rich console: intervals stand under their centres where the width asks it.

    Groups of columns stand apart with a line between them.
    """

    table: Table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table and its caption."""
        drawn = _rich_table(self.table, stacked=False)
        if (
            Measurement.get(console, options.update(width=10_000), drawn).maximum
            > options.max_width
        ):
            drawn = _rich_table(self.table, stacked=True)
        yield drawn
        yield Text("\n".join([self.table.caption, *self.table.notes]), style="dim")


def show(table: Table, console: Console) -> None:
    """Print a table: drawn on a terminal; elsewhere Markdown, whose lines no width cuts."""
    if console.is_terminal:
        console.print(ConsoleTable(table))
    else:
        console.print(Text(to_markdown(table)), soft_wrap=True)


def _markdown(text: str) -> str:
    """Escaped; an underscore inside a word means nothing in Markdown and stays readable."""
    return re.sub(r"([\\|*<>`]|(?<!\w)_|_(?!\w))", r"\\\1", text)


def _markdown_cell(cell: Cell) -> str:
    return f"**{_markdown(cell.text)}**" if cell.best else _markdown(cell.text)


def _latex_row(row: TableRow) -> str:
    texts = [
        rf"\textbf{{{escape_latex(cell.text)}}}" if cell.best else escape_latex(cell.text)
        for cell in row.cells
    ]
    return f"    {' & '.join(texts)} \\\\"


def _rich_table(table: Table, *, stacked: bool) -> RichTable:
    drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place in range(len(table.headers)):
        if table.starts_group(place):
            drawn.add_column("", vertical="bottom")
        justify = "left" if table.is_left(place) else "right"
        head = _rich_header(table, place, stacked=stacked)
        drawn.add_column(head, justify=justify, vertical="bottom")
    real = [row.real for row in table.rows]
    for place, row in enumerate(table.rows):
        section = real[place : place + 2] == [False, True]
        drawn.add_row(*_rich_cells(table, row, stacked=stacked), end_section=section)
    return drawn


def _rich_cells(table: Table, row: TableRow, *, stacked: bool) -> Iterator[Text]:
    for place, cell in enumerate(row.cells):
        if table.starts_group(place):
            yield Text("│", style="dim")
        yield _rich_cell(cell, stacked=stacked)


def _rich_header(table: Table, place: int, *, stacked: bool) -> Text:
    header = table.headers[place]
    lines = [header.title, *re.split(r"(?<=:) |, ", header.detail)]
    if stacked and len(lines[0]) > 8:
        lines[0] = re.sub(" (?![\N{MULTIPLICATION SIGN}↓↑1])", "\n", lines[0])
    group = header.group if place == 0 or table.starts_group(place) else ""
    return Text("\n".join(line for line in (group, *lines) if line))


def _rich_cell(cell: Cell, *, stacked: bool) -> Text:
    text = re.sub(r" (?=\[|images)|(?<=,) (?=\d+ [dm])", "\n", cell.text) if stacked else cell.text
    return Text(text, style=_rich_style(cell))


def _rich_style(cell: Cell) -> str:
    if cell.verdict is not None:
        return {"supported": "green", "contradicted": "red", "inconclusive": "yellow"}[cell.verdict]
    return "bold" if cell.best else "yellow" if cell.gap else "dim" if cell.soft else ""
