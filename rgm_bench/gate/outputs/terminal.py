"""A check on the terminal."""

from rich.console import Console
from rich.table import Table

from rgm_bench.gate.compare import Check
from rgm_bench.gate.fingerprint import Comparison
from rgm_bench.gate.outputs.rows import HEAD, headline, power_line, rows
from rgm_bench.gate.words import explained

WIDTH = 150

_STYLES = {
    "pass": "green",
    "improvement": "green",
    "regression": "red",
    "inconclusive": "yellow",
    "not comparable": "yellow",
}


def console() -> Console:
    """Standard output; where it is no terminal, wide enough that a log has whole rows."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH)


def print_fingerprints(fingerprints: tuple[Comparison, ...], console: Console) -> None:
    """Say whether the first steps of each training give the same numbers."""
    for each in fingerprints:
        arm = f" of {each.arm}" if each.arm else ""
        _say(console, f"fingerprint{arm}: {each.text}")


def print_check(check: Check, console: Console) -> None:
    """The table of a check, why each number got its verdict, and the verdict of all."""
    if check.findings:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in HEAD:
            table.add_column(name, overflow="fold")
        for row in rows(check):
            table.add_row(*row, style=_STYLES[row[-1]])
        console.print(table, markup=False)
        for finding in check.findings:
            _say(console, f"{finding.name}: {explained(finding)}")
        _say(console, power_line(check))
    for difference in check.differences:
        _say(console, f"not comparable: {difference}")
    for note in check.notes:
        _say(console, f"note: {note}")
    console.print(headline(check), style=f"bold {_STYLES[check.verdict]}", markup=False)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
