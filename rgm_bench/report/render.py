"""One table as CSV, Markdown, LaTeX, and on a console."""

import re
from dataclasses import dataclass
from typing import final

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from rgm_bench.report.numbers import MINUS, NOTHING
from rgm_bench.report.tables import Cell, Header, Table, TableRow

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
    """A pipe table, padded so that it is a table to the eye too, and its caption."""
    head = [_markdown(str(header)) for header in table.headers]
    body = [[_markdown_cell(cell) for cell in row.cells] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rule = [f"{'-' * (width - 1)}:" for width in widths]
    lines = [head, [("-" * len(rule[0])), *rule[1:]], *body]
    padded = [
        [line[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(line[1:], widths[1:], strict=True))]
        for line in lines
    ]
    return "\n".join(
        [*(f"| {' | '.join(line)} |" for line in padded), "", _markdown(table.caption), ""]
    )


def to_latex(table: Table) -> str:
    """A floating table for `booktabs`, every sign of its texts escaped."""
    generated = [_latex_row(row) for row in table.rows if not row.real]
    real = [_latex_row(row) for row in table.rows if row.real]
    head = [[escape_latex(header.title) for header in table.headers]]
    details = [
        rf"{{\footnotesize {escape_latex(h.detail)}}}" if h.detail else "" for h in table.headers
    ]
    head += [details] if any(details) else []
    lines = [
        "% needs \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escape_latex(table.caption)}}}",
        rf"  \label{{tab:{re.sub('[^A-Za-z0-9]+', '-', table.name)}}}",
        rf"  \begin{{tabular}}{{l{'r' * (len(table.headers) - 1)}}}",
        r"    \toprule",
        *(f"    {' & '.join(line)} \\\\" for line in head),
        r"    \midrule",
        *generated,
        *([r"    \midrule", *real] if real and generated else real),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)


def escape_latex(text: str) -> str:
    """`text` as LaTeX prints it, whatever signs it holds."""
    return _LATEX_SIGNS.sub(lambda found: _LATEX[found.group()], text)


@final
@dataclass(frozen=True)
class ConsoleTable:
    """A table for a rich console: intervals stand under their centres where the width asks it."""

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
        yield Text(self.table.caption, style="dim")


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
    for place, header in enumerate(table.headers):
        justify = "right" if place else "left"
        drawn.add_column(_rich_header(header, stacked=stacked), justify=justify, vertical="bottom")
    real = [row.real for row in table.rows]
    for place, row in enumerate(table.rows):
        section = real[place : place + 2] == [False, True]
        cells = [_rich_cell(cell, stacked=stacked) for cell in row.cells]
        drawn.add_row(*cells, end_section=section)
    return drawn


def _rich_header(header: Header, *, stacked: bool) -> Text:
    lines = [header.title, *re.split(r"(?<=:) |, ", header.detail)]
    if stacked and len(lines[0]) > 8:
        lines[0] = re.sub(" (?![\N{MULTIPLICATION SIGN}↓↑1])", "\n", lines[0])
    return Text("\n".join(line for line in lines if line))


def _rich_cell(cell: Cell, *, stacked: bool) -> Text:
    text = re.sub(r" (?=\[|images)|(?<=,) (?=\d+ [dm])", "\n", cell.text) if stacked else cell.text
    return Text(text, style="bold" if cell.best else "yellow" if cell.gap else "")
