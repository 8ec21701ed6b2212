"""The commands by name, and the boundary where errors become messages and exit codes."""

import gc
import sys
import traceback
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from rgm_bench.cli import exit_codes
from rgm_bench.cli.check import check
from rgm_bench.cli.cluster import slurm
from rgm_bench.cli.evaluate import evaluate
from rgm_bench.cli.gate_history import history
from rgm_bench.cli.keep import gc as collect_garbage
from rgm_bench.cli.keep import sync
from rgm_bench.cli.look import logs, plan, sample, show, status
from rgm_bench.cli.output import lost_output
from rgm_bench.cli.prepare import data, doctor, import_official, init, schema
from rgm_bench.cli.run import publish, report, retry, run, ui
from rgm_bench.cli.search import export_search
from rgm_bench.environment import expanded
from rgm_bench.errors import UserError
from rgm_bench.redaction import redacted
from rgm_bench.results.files import explain, is_of_the_disk

GARBAGE_THRESHOLD = 200_000
"""New objects after which Python looks for garbage among them."""


class _Commands(TyperGroup):
    """The commands, none of which asks for input: the end of a file is not that of standard input.

    click takes it for that, and says no more than "Aborted!".
    """

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            raise UserError(f"a file ended before all was read of it: {error}") from error


app = typer.Typer(
    cls=_Commands,
    name="rgm-bench",
    help="Train, measure and compare few-step generative models, from study files.",
    epilog="Exit codes: 0 done, 1 regression, or known answers differ, 2 usage, data or store, "
    "3 inconclusive, 4 not comparable, 5 finished with failed units, 6 incomplete (run again), "
    "70 a fault of rgm-bench itself, 130 or 143 stopped (the same command goes on).",
    no_args_is_help=True,
    add_completion=False,
    # markup would cost 0.2 s at every start
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    run,
    plan,
    status,
    report,
    check,
    history,
    publish,
    ui,
    show,
    logs,
    retry,
    sample,
    evaluate,
    export_search,
    sync,
    data,
    import_official,
    doctor,
    init,
    schema,
    slurm,
):
    app.command()(command)
app.command("gc")(collect_garbage)


def main() -> NoReturn:
    """Run the command line and exit: a mistake prints its message and no traceback."""
    # A large study is a million objects that live to the end. Looking through them for garbage as
    # often as Python does by default takes a third of the time of a plan.
    gc.set_threshold(GARBAGE_THRESHOLD)
    if isinstance(sys.stdout, TextIOWrapper):  # as stderr does: names of files may be in any bytes
        sys.stdout.reconfigure(errors="backslashreplace")
    code = _run()
    lost = lost_output()
    if lost is not None:
        print(f"error: {lost}", file=sys.stderr)
    if code is None:  # the command has no verdict to give
        code = exit_codes.DONE if lost is None else exit_codes.USAGE
    sys.exit(code)


def _run() -> int | None:
    """Run the command that was asked for.

    Not by click's own `main`, which ends with 1 for whatever it cannot place.

    Returns:
        The code that it ended with on purpose; None where it came to its end.
    """
    command, words = typer.main.get_command(app), [expanded(word) for word in sys.argv[1:]]
    try:
        with command.make_context("rgm-bench", words) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except KeyboardInterrupt:
        return exit_codes.INTERRUPTED
    except UserError as error:
        print(redacted(f"error: {error}"), file=sys.stderr)
        return exit_codes.USAGE
    except Exception as error:
        return _unplanned(error)
    return None


def _unplanned(error: Exception) -> int:
    show = getattr(error, "show", None)  # of what click has against the words of a command
    if isinstance(error, typer.TyperException) and show is not None:
        show()
        return exit_codes.USAGE
    if isinstance(error, OSError) and is_of_the_disk(error):
        print(f"error: {explain(error, Path(error.filename or '.'))}", file=sys.stderr)
        return exit_codes.USAGE
    print(redacted("".join(traceback.format_exception(error))), file=sys.stderr)
    return exit_codes.CRASHED
