"""What a check leaves behind: the terminal, files, a record in the store, and an exit code."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, final

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.environment import variable
from rgm_bench.errors import UserError

if TYPE_CHECKING:
    from rgm_bench.gate.baseline import Measurement
    from rgm_bench.gate.compare import Check


class Inconclusive(StrEnum):
    """What a check that decides nothing counts as."""

    PASS = "pass"
    FAIL = "fail"


@final
@dataclass(frozen=True)
class Outputs:
    """Where the outcome of a check goes, beside the terminal.

    Args:
        store: keeps a record of every check.
        inconclusive: what a check that decides nothing counts as.
        markdown: a file.
        junit: a file.
        json: a file.
    """

    store: str
    inconclusive: Inconclusive
    markdown: Path | None
    junit: Path | None
    json: Path | None

    def give(self, check: "Check") -> None:
        """Write a check down, print it and leave with its exit code.

        What cannot be written is named on standard error; it changes neither the other outputs nor
        the exit code, which is the verdict's.
        """
        from rgm_bench.gate.outputs.terminal import console, print_check

        for write in self._writes(check):
            try:
                write()
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
        print_check(check, console())
        raise typer.Exit(exit_code(check, self.inconclusive))

    def _writes(self, check: "Check") -> Iterator[Callable[[], None]]:
        """What writes each output but the terminal's."""
        from rgm_bench.gate.history import keep_record
        from rgm_bench.gate.outputs.junit import junit
        from rgm_bench.gate.outputs.markdown import markdown
        from rgm_bench.gate.outputs.record import to_record
        from rgm_bench.results.files import to_json, write_whole
        from rgm_bench.results.store import Store

        passes = self.inconclusive is Inconclusive.PASS
        if self.markdown:
            yield partial(write_whole, self.markdown, markdown(check).encode())
        if self.junit:
            yield partial(write_whole, self.junit, junit(check, inconclusive_passes=passes))
        if self.json:
            yield partial(write_whole, self.json, to_json(to_record(check)))
        summary = variable("GITHUB_STEP_SUMMARY")
        if summary:
            yield partial(_append, Path(summary), markdown(check))

        def keep() -> None:
            store = Store.at(self.store)
            store.upload([keep_record(check, store.root)])

        yield keep


def exit_code(check: "Check", inconclusive: Inconclusive) -> int:
    """The exit code of a check."""
    match check.verdict:
        case "pass" | "improvement":
            return exit_codes.DONE
        case "regression":
            return exit_codes.REGRESSION
        case "inconclusive":
            passes = inconclusive is Inconclusive.PASS
            return exit_codes.DONE if passes else exit_codes.INCONCLUSIVE
        case "not comparable":
            return exit_codes.NOT_COMPARABLE


def write_update(now: "Measurement", path: Path) -> None:
    """Make a measurement the baseline, and say what that changes.

    Raises:
        StudyError: too few seeds gave a value.
        StoreError: the file cannot be written.
    """
    from rgm_bench.gate.baseline import read_baseline, write_baseline
    from rgm_bench.gate.compare import changes, require_enough

    require_enough(now)
    before = None
    if path.exists():
        try:
            before = read_baseline(path)
        except UserError as error:  # what cannot be read is what is to be replaced
            print(f"note: the old baseline cannot be read: {error}", file=sys.stderr)
    write_baseline(now, path)
    lines = list(changes(before, now))
    for line in lines:
        print(line)
    if before is not None and not lines:
        print("nothing changed but the time")
    print(f"baseline: {path} {'updated' if before else 'written'}")


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        reason = error.strerror or error
        print(f"warning: $GITHUB_STEP_SUMMARY, {path}: {reason}", file=sys.stderr)
