"""Commands that bring a study on: run, retry, report, ui."""

import json
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from math import inf
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.cli.counts import counted
from rgm_bench.cli.damaged import mend, name_left_out, naming_set_aside
from rgm_bench.cli.durations import in_seconds
from rgm_bench.cli.options import (
    DEFAULT_STORE,
    Code,
    CodeOption,
    Overrides,
    Profile,
    StoreLocation,
    StudyFile,
    open_study,
    open_view,
)
from rgm_bench.cli.troubles import (
    Commands,
    blocking_lines,
    diverged_lines,
    failed_lines,
    failures_in_words,
    left_in_words,
)
from rgm_bench.results.store import Store, View

if TYPE_CHECKING:
    from collections.abc import Collection

    from rgm_bench.config.study import StudySpec
    from rgm_bench.execution.budget import Budget
    from rgm_bench.plan import Plan
    from rgm_bench.report import Report
    from rgm_bench.results.frames import Results
    from rgm_bench.study_run import Summary


PUBLISHED = Path("results/published")

terminated = threading.Event()
"""Set when SIGTERM stopped a run at once: as Ctrl-C does, but with another exit code."""


class ExecutorOption(StrEnum):
    """Where units run."""

    RAY = "ray"
    LOCAL = "local"


class RerunOption(StrEnum):
    """Which finished units to run again."""

    STALE = "stale"


Workers = Annotated[
    int | None, typer.Option(min=1, help="Units at once on this machine; default: all CPUs.")
]
ExecutorChoice = Annotated[
    ExecutorOption,
    typer.Option(help="Ray workers, or one unit after the other in this process."),
]
Address = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="A running Ray cluster to use.")
]
RuntimeEnv = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="YAML of what Ray sets up for its workers, such as env_vars."
    ),
]


def _duration(text: str) -> float:
    try:
        return in_seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


TimeLimit = Annotated[
    float | None,
    typer.Option(
        parser=_duration, metavar="TIME", help="End within this time, as in 2h; what runs is saved."
    ),
]
MaxUnits = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Begin no more than so many units.")
]
MaxHours = Annotated[
    float | None,
    typer.Option(min=0, metavar="HOURS", help="End after so many hours of work, over all units."),
]
Rerun = Annotated[
    RerunOption | None, typer.Option(help="Run units again whose results other code has made.")
]
Remake = Annotated[
    bool,
    typer.Option(
        "--remake", help="Also train again what is damaged and took more than an hour to train."
    ),
]


def run(
    study: StudyFile,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    store: StoreLocation = DEFAULT_STORE,
    workers: Workers = None,
    executor: ExecutorChoice = ExecutorOption.RAY,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    code: Code = CodeOption.WARN,
    rerun: Rerun = None,
    time_limit: TimeLimit = None,
    max_units: MaxUnits = None,
    max_hours: MaxHours = None,
    remake: Remake = False,
) -> None:
    """Bring a study to complete: run exactly the units that are missing, then print its tables.

    What is damaged is set aside, into `damaged` of the store, and made again.
    """
    from rgm_bench.session import require_options

    require_options(executor.value, workers, address, runtime_env)
    budget = _budget(time_limit, max_units, max_hours)
    spec = open_study(study, profile, overrides)
    view = open_view(store, CodeOption.STRICT if rerun else code)
    mend(view, remake=remake)
    plan = _print_plan(spec, view)
    commands = Commands(study, spec, overrides, store)
    _bring_on(spec, view, plan, commands, budget, executor, workers, address, runtime_env)


def retry(
    study: StudyFile,
    units: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Only these units.")
    ] = None,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006
    store: StoreLocation = DEFAULT_STORE,
    workers: Workers = None,
    executor: ExecutorChoice = ExecutorOption.RAY,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    time_limit: TimeLimit = None,
    max_units: MaxUnits = None,
    max_hours: MaxHours = None,
    give_up: Annotated[
        list[str] | None,
        typer.Option(
            "--give-up",
            metavar="ID",
            help="Have a search go on without a unit that fails; may be given several times.",
        ),
    ] = None,
) -> None:
    """Forget diverged units of a study, or the units named, and run the study again.

    Units that failed need no retry: every `run` tries them again. One that always fails stops a
    search; --give-up has it go on as if the trial had diverged, and a later retry takes that back.
    Trials that were pruned need no retry either: `run --set search.pruner=null` goes on with their
    trainings where they stopped. What another command works on is left to it.
    """
    from rgm_bench.session import require_options

    if give_up and units:
        raise typer.BadParameter("expected units to run again, or --give-up, not both")
    require_options(executor.value, workers, address, runtime_env)
    budget = _budget(time_limit, max_units, max_hours)
    spec = open_study(study, profile, overrides)
    view = open_view(store)
    mend(view, remake=False)
    if give_up:
        _give_up(spec, view, give_up)
    else:
        _forget(spec, view, units or [])
    plan = _print_plan(spec, view)
    commands = Commands(study, spec, overrides, store)
    _bring_on(spec, view, plan, commands, budget, executor, workers, address, runtime_env)


def _give_up(spec: "StudySpec", view: View, prefixes: list[str]) -> None:
    from rgm_bench.failed_trials import give_up
    from rgm_bench.search import searched

    for planned in give_up(searched(spec, view), view, prefixes):
        print(f"gave up {planned.unit.kind} {planned.unit.id} ({planned.label})")


def _forget(spec: "StudySpec", view: View, prefixes: list[str]) -> None:
    """Forget units and all that measured them, and take back what was given up among them."""
    from rgm_bench.cli.forgetting import Forgotten, forget, left_lines
    from rgm_bench.failed_trials import take_back
    from rgm_bench.plan import make_plan
    from rgm_bench.search import searched

    study = searched(spec, view)
    given_up = study.found.given_up.units.keys()
    wanted = {_unit_id(prefix, given_up, view) for prefix in prefixes}
    taken_back = given_up & wanted if prefixes else {*given_up}
    wanted -= taken_back  # what these have done already they go on with
    plan = make_plan(study, view)
    forgotten = forget(plan, wanted, view.store) if wanted or not prefixes else Forgotten()
    print(f"forgot {counted(forgotten.number, 'unit')} of {spec.name}/{spec.profile}")
    for line in left_lines(forgotten.left, plan):
        print(line, file=sys.stderr)
    if taken_back:
        take_back(study, view, taken_back)
        were = "was" if len(taken_back) == 1 else "were"
        print(f"took back {counted(len(taken_back), 'unit')} that {were} given up")


def _unit_id(prefix: str, given_up: "Collection[str]", view: View) -> str:
    """The id that a prefix names: one that was given up may have left nothing in the store."""
    found = [unit_id for unit_id in given_up if unit_id.startswith(prefix)]
    return found[0] if len(found) == 1 else view.store.find(prefix)[1]


def report(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY", help="A study file, or a published folder.")
    ],
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006
    store: StoreLocation = DEFAULT_STORE,
    code: Code = CodeOption.WARN,
) -> None:
    """Write and print the tables and figures of what has finished so far.

    Of a folder that `publish` wrote, all but the pictures are made again from its trials.
    """
    if study.is_dir():
        from rgm_bench.publication import report_published

        _show(report_published(study))
        return
    spec = open_study(study, profile, overrides)
    view = View(Store.open(store), code.value)
    _report_in_store(spec, view)


def publish(
    study: StudyFile,
    to: Annotated[Path, typer.Option(help="The folder of all published studies.")] = PUBLISHED,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006
    store: StoreLocation = DEFAULT_STORE,
    code: Code = CodeOption.WARN,
) -> None:
    """Keep a finished study for good: its trials, tables, figures and verdicts, in one folder."""
    from rgm_bench.publication import publish as write
    from rgm_bench.search import searched

    view = View(Store.open(store), code.value)
    spec = searched(open_study(study, profile, overrides), view)
    written = write(spec, view, to)
    name_left_out(view)
    print(f"published: {written.trials.parent}")


def ui(
    store: StoreLocation = DEFAULT_STORE,
    port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 5000,
) -> None:
    """Compare the runs of a store in the MLflow UI."""
    from rgm_bench.tracking.ui import serve

    raise typer.Exit(serve(Store.open(store).root, port=port))


def _print_plan(spec: "StudySpec", view: "View") -> "Plan":
    from rgm_bench.plan import make_plan
    from rgm_bench.search import searched

    plan = make_plan(searched(spec, view), view)
    num_done = len(plan.units) - len(plan.missing)
    print(
        f"{spec.name}/{spec.profile}: {counted(len(plan.units), 'unit')}, {num_done} in "
        f"{view.store}, {len(plan.missing)} to run"
    )
    if plan.num_stale:
        verb, them = ("was", "it") if plan.num_stale == 1 else ("were", "them")
        print(
            f"note: {counted(plan.num_stale, 'result')} {verb} made by other code than the present "
            f"one; `--rerun stale` runs {them} again",
            file=sys.stderr,
        )
    return plan


def _budget(seconds: float | None, units: int | None, hours: float | None) -> "Budget":
    from rgm_bench.execution.budget import Budget

    return Budget(
        seconds=inf if seconds is None else seconds,
        units=inf if units is None else units,
        unit_seconds=inf if hours is None else hours * 3600,
    )


def _bring_on(
    spec: "StudySpec",
    view: "View",
    plan: "Plan",
    commands: Commands,
    budget: "Budget",
    executor: ExecutorOption,
    workers: int | None,
    address: str | None,
    runtime_env: Path | None,
) -> None:
    """Run what is missing, print the report and leave with the exit code for what happened."""
    with stopping_cleanly():
        with naming_set_aside(view.store):
            summary = run_missing(spec, view, plan, budget, executor, workers, address, runtime_env)
        _report_in_store(spec, view)
    conclude(summary, spec, view, commands)


@contextmanager
def stopping_cleanly() -> Generator[None]:
    """Inside the block Ctrl-C and SIGTERM end the command with a sentence and their exit codes."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt:
        _stop(exit_codes.TERMINATED if terminated.is_set() else exit_codes.INTERRUPTED)


def run_missing(
    spec: "StudySpec",
    view: "View",
    plan: "Plan",
    budget: "Budget",
    executor: ExecutorOption,
    workers: int | None,
    address: str | None,
    runtime_env: Path | None,
) -> "Summary":
    """Run what is missing; leave the command if a signal stopped it."""
    from rgm_bench.cli.terminal import TerminalObserver
    from rgm_bench.session import bring_on

    summary = bring_on(
        spec,
        view,
        executor=executor.value,
        workers=workers,
        address=address,
        runtime_env=None if runtime_env is None else _map_in(runtime_env),
        observer=TerminalObserver(view.store),
        plan=plan,
        budget=budget,
    )
    if summary.stopped == "Ctrl-C":
        _stop(exit_codes.INTERRUPTED)
    if summary.stopped == "SIGTERM":
        _stop(exit_codes.TERMINATED)
    return summary


def _map_in(path: Path) -> dict[str, Any]:
    from rgm_bench.config.placed import plain
    from rgm_bench.config.reading import read_file

    return json.loads(json.dumps(plain(read_file(path))))  # with lists, as Ray wants them


def _stop(code: int) -> NoReturn:
    print("stopped; what is finished is kept, and the same command goes on", file=sys.stderr)
    raise typer.Exit(code)


def _terminate(signal_number: int, frame: FrameType | None) -> None:
    terminated.set()
    # the one exception that Ray lets through from the middle of a wait
    raise KeyboardInterrupt


def _report_in_store(spec: "StudySpec", view: View) -> None:
    from rgm_bench.failed_trials import with_failed
    from rgm_bench.search import searched

    study = with_failed(searched(spec, view), view)
    view.store.upload(_report(study, view, view.store.study_folder(spec)).all_files)
    name_left_out(view)


def _report(spec: "StudySpec", results: "Results", folder: Path) -> "Report":
    from rgm_bench.verdicts import report as report_with_verdicts

    written = report_with_verdicts(spec, results, folder)
    _show(written)
    return written


def _show(written: "Report") -> None:
    from rich.console import Console

    written.show(Console())
    print(f"report: {written.page}")


def conclude(summary: "Summary", spec: "StudySpec", view: View, commands: Commands) -> None:
    """Say what did not end well and what is left, and leave with the exit code for it."""
    from rgm_bench.plan import make_plan
    from rgm_bench.search import searched

    if summary.num_ran:
        print(f"ran {counted(summary.num_ran, 'unit')} in {summary.seconds:.0f} s")
    if summary.num_found:
        print(f"found {counted(summary.num_found, 'unit')} that another command had finished")
    failed, diverged = summary.failed, summary.diverged
    if not (failed or diverged or summary.stopped):
        return
    study = searched(spec, view)  # a search has grown since it was planned
    plan = make_plan(study, view)
    for line in (*failed_lines(failed, plan), *diverged_lines(diverged, plan)):
        print(line, file=sys.stderr)
    if diverged:
        print(f"try what diverged again: {commands.retry}", file=sys.stderr)
    if failed:
        print(
            f"{failures_in_words(len(failed), len(summary.blocked))}; "
            f"`rgm-bench logs ID` tells more; try what failed again: {commands.run}",
            file=sys.stderr,
        )
    for line in blocking_lines(study, failed, commands):
        print(line, file=sys.stderr)
    if summary.stopped is not None:
        print(
            f"incomplete: {summary.stopped} with {left_in_words(study, plan)} left; "
            f"run again: {commands.run}",
            file=sys.stderr,
        )
        raise typer.Exit(exit_codes.INCOMPLETE)
    if failed:
        raise typer.Exit(exit_codes.FAILED_UNITS)
