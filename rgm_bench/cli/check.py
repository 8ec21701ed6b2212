"""The command that gates: check."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.cli.options import (
    DEFAULT_STORE,
    CodeOption,
    Overrides,
    Profile,
    StoreFolder,
    open_study,
    open_view,
)
from rgm_bench.cli.run import (
    Address,
    ExecutorChoice,
    ExecutorOption,
    RuntimeEnv,
    Workers,
    conclude,
    run_missing,
    stopping_cleanly,
)
from rgm_bench.cli.troubles import Commands
from rgm_bench.errors import UserError

if TYPE_CHECKING:
    from rgm_bench.config.gate import GateSpec
    from rgm_bench.config.study import StudySpec
    from rgm_bench.gate.baseline import Measurement
    from rgm_bench.gate.compare import Check
    from rgm_bench.results.store import View


class Inconclusive(StrEnum):
    """What a check that decides nothing counts as."""

    PASS = "pass"
    FAIL = "fail"


class Tier(StrEnum):
    """A part of a check that can be run alone."""

    FINGERPRINT = "fingerprint"


Baseline = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Default: results/baselines/<study>-<profile>.json."),
]
Markdown = Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown.")]
Junit = Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write JSON.")]


def check(
    study: Annotated[
        Path | None, typer.Argument(metavar="[STUDY]", help="A study file (YAML, or Python).")
    ] = None,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    baseline: Baseline = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write a new baseline instead of comparing.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Measure this commit, too, and compare with it."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="What to gate; may be given several times.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(min=0, help="What the mean may worsen; kept by --update.")
    ] = None,
    only: Annotated[Tier | None, typer.Option(help="Run only this part, in seconds.")] = None,
    inconclusive: Annotated[
        Inconclusive, typer.Option(help="What a check that decides nothing counts as.")
    ] = Inconclusive.FAIL,
    markdown: Markdown = None,
    junit: Junit = None,
    json: Json = None,
    store: StoreFolder = DEFAULT_STORE,
    workers: Workers = None,
    executor: ExecutorChoice = ExecutorOption.RAY,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
) -> None:
    """Compare scores with a baseline: exit 1 for a regression, with the smallest one it finds.

    Codes: 0 pass, 1 regression, 2 usage, 3 inconclusive, 4 not comparable, 5 failed units.
    """
    if study is None:
        raise UserError("rgm-bench check: expected a study file")
    outputs = Outputs(store, inconclusive, markdown, junit, json)
    spec = open_study(study, profile, overrides)
    from rgm_bench.gate.measure import gate_of

    gate = gate_of(spec, metrics=metric or (), margin=margin)
    how = _How(study, overrides, store, executor, workers, address, runtime_env)
    with stopping_cleanly():
        _check_study(spec, gate, how, outputs, baseline, update, only, partly=bool(metric))


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

    store: Path
    inconclusive: Inconclusive
    markdown: Path | None
    junit: Path | None
    json: Path | None

    def give(self, check: "Check") -> None:
        """Print a check, write it down and leave with its exit code."""
        from rich.console import Console

        from rgm_bench.gate.history import keep_record
        from rgm_bench.gate.outputs.terminal import print_check

        print_check(check, Console())
        self._write(check)
        keep_record(check, self.store)
        code = exit_code(check, self.inconclusive)
        if code:
            raise typer.Exit(code)

    def _write(self, check: "Check") -> None:
        import os

        from rgm_bench.gate.outputs.junit import junit
        from rgm_bench.gate.outputs.markdown import markdown
        from rgm_bench.gate.outputs.record import to_record
        from rgm_bench.results.files import to_json, write_whole

        passes = self.inconclusive is Inconclusive.PASS
        if self.markdown:
            write_whole(self.markdown, markdown(check).encode())
        if self.junit:
            write_whole(self.junit, junit(check, inconclusive_passes=passes))
        if self.json:
            write_whole(self.json, to_json(to_record(check)))
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(markdown(check))


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


@final
@dataclass(frozen=True)
class _How:
    """How the units of a study are run."""

    study: Path
    overrides: Sequence[str]
    store: Path
    executor: ExecutorOption
    workers: int | None
    address: str | None
    runtime_env: Path | None


def _check_study(
    spec: "StudySpec",
    gate: "GateSpec",
    how: _How,
    outputs: Outputs,
    baseline: Path | None,
    update: bool,
    only: Tier | None,
    *,
    partly: bool,
) -> None:
    from rich.console import Console

    from rgm_bench.gate.baseline import FOLDER, read_baseline
    from rgm_bench.gate.compare import compare, compare_fingerprints
    from rgm_bench.gate.measure import first_look, measured, require_seeds
    from rgm_bench.gate.outputs.terminal import print_fingerprints

    path = baseline or FOLDER / f"{spec.name}-{spec.profile}.json"
    known = None if update else read_baseline(path)
    if only is None:
        require_seeds(spec)
    view = open_view(how.store, CodeOption.STRICT)
    look = first_look(spec, gate, view)
    if known is not None:
        fingerprints = compare_fingerprints(known, look)
        print_fingerprints(fingerprints, Console())
        if only is not None:
            same = all(each.sameness == "same" for each in fingerprints)
            raise typer.Exit(exit_codes.DONE if same else exit_codes.REGRESSION)
    _bring_on(spec, view, how)
    now = measured(spec, gate, view, look)
    if known is None:
        write_update(now, path)
        return
    outputs.give(compare(now, known, against=str(path), margin=gate.margin, others=partly))


def write_update(now: "Measurement", path: Path) -> None:
    """Make a measurement the baseline, and say what that changes."""
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
    for change in changes(before, now):
        print(change)
    print(f"baseline: {path} {'updated' if before else 'written'}")


def _bring_on(spec: "StudySpec", view: "View", how: _How) -> None:
    """Run what the present code has not run yet; leave the command if that fails."""
    from rgm_bench.execution.budget import Budget
    from rgm_bench.plan import make_plan

    plan = make_plan(spec, view)
    count = len(plan.missing)
    print(f"{spec.name}/{spec.profile}: {len(plan.units)} units, {count} to run with this code")
    if not count:
        return
    summary = run_missing(
        spec, view, plan, Budget(), how.executor, how.workers, how.address, how.runtime_env
    )
    commands = Commands(how.study, spec, how.overrides, how.store, verb="check")
    conclude(summary, plan, commands)
