"""The table of a check, as the terminal and Markdown show it."""

from collections.abc import Iterator

from rgm_bench.gate.compare import Check
from rgm_bench.gate.rule import Finding
from rgm_bench.gate.words import amount, change, p_words

HEAD = ("number", "baseline", "now", "change, 95 %", "p", "margin", "finds from", "verdict")


def headline(check: Check) -> str:
    """The whole check in one line."""
    return f"{check.gate} against {check.against}: {check.verdict.upper()}"


def rows(check: Check) -> Iterator[tuple[str, ...]]:
    """A row for each number."""
    for finding in check.findings:
        yield (
            finding.name,
            _value(finding.baseline, finding.seeds[1]),
            _value(finding.current, finding.seeds[0]),
            change(finding),
            p_words(finding.p).removeprefix("= "),
            amount(finding.margin, finding.scale),
            _smallest(finding),
            finding.ruling,
        )


def power_line(check: Check) -> str:
    """The smallest regression that this gate finds 9 times in 10, for each number."""
    found = [
        f"{_smallest(finding)} ({finding.name})" if len(check.findings) > 1 else _smallest(finding)
        for finding in check.findings
        if finding.detectable is not None
    ]
    if not found:
        return "this gate finds no regression with so few seeds"
    return f"the smallest regression that this gate finds 9 times in 10: {', '.join(found)}"


def _smallest(finding: Finding) -> str:
    return "" if finding.detectable is None else amount(finding.detectable, finding.scale)


def _value(mean: float | None, num_seeds: int) -> str:
    return f"- (n={num_seeds})" if mean is None else f"{mean:.4g} (n={num_seeds})"
