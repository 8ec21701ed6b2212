"""A check in Markdown, for a pull request or the summary of a job."""

import re
from collections.abc import Iterator

from rgm_bench.gate.compare import Check
from rgm_bench.gate.outputs.rows import HEAD, headline, power_line, rows
from rgm_bench.gate.words import explained


def markdown(check: Check) -> str:
    """The check as one section."""
    lines = [f"### {escaped(headline(check))}", ""]
    if check.findings:
        lines += [_row(HEAD), "|" + " --- |" * len(HEAD), *(_row(row) for row in rows(check)), ""]
    lines += [f"- {escaped(sentence)}" for sentence in _sentences(check)]
    return "\n".join(lines) + "\n"


def plain_text(check: Check) -> str:
    """The check without its table and without Markdown, a sentence a line."""
    return "\n".join((headline(check), *_sentences(check)))


def _sentences(check: Check) -> Iterator[str]:
    for each in check.fingerprints:
        arm = f" of {each.arm}" if each.arm else ""
        yield f"fingerprint{arm}: {each.text}"
    for finding in check.findings:
        yield f"{finding.name}: {explained(finding)}"
    if check.findings:
        yield power_line(check)
    for difference in check.differences:
        yield f"not comparable: {difference}"
    yield from check.notes


def escaped(text: str) -> str:
    """Text as it is, whatever signs of Markdown or HTML are in it, on one line."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~!$@])", r"\\\1", flat)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
