"""A check in Markdown, for a pull request or the summary of a job."""

import re

from rgm_bench.gate.compare import Check
from rgm_bench.gate.outputs.rows import HEAD, headline, power_line, rows
from rgm_bench.gate.words import explained


def markdown(check: Check) -> str:
    """The check as one section."""
    lines = [f"### {escaped(headline(check))}", ""]
    for each in check.fingerprints:
        arm = f" of {each.arm}" if each.arm else ""
        lines.append(f"- {escaped(f'fingerprint{arm}: {each.text}')}")
    lines.append("")
    if check.findings:
        lines.append(_row(HEAD))
        lines.append("|" + " --- |" * len(HEAD))
        lines += [_row(row) for row in rows(check)]
        lines.append("")
        lines += [f"- {escaped(f'{f.name}: {explained(f)}')}" for f in check.findings]
        lines.append(f"- {escaped(power_line(check))}")
    lines += [f"- not comparable: {escaped(difference)}" for difference in check.differences]
    lines += [f"- {escaped(note)}" for note in check.notes]
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text as it is, whatever signs of Markdown or HTML are in it, on one line."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~!$@])", r"\\\1", flat)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
