"""The command that shows how the numbers of a gate went over commits: history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgm_bench.cli.check import Baseline
from rgm_bench.cli.options import DEFAULT_STORE, Profile, StoreLocation, open_study
from rgm_bench.errors import StoreError

if TYPE_CHECKING:
    from rgm_bench.gate.history import Entry


def history(
    gate: Annotated[
        str, typer.Argument(metavar="GATE", help="A study file, or the name of a gate.")
    ],
    profile: Profile = "laptop",
    baseline: Baseline = None,
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Show the numbers of a gate over commits: all checks of a store, and its baselines in git."""
    from rgm_bench.gate.baseline import FOLDER
    from rgm_bench.gate.history import folder_of
    from rgm_bench.gate.history import history as read
    from rgm_bench.gate.outputs.figure import history_figure
    from rgm_bench.results.files import write_whole
    from rgm_bench.results.store import Store

    name = gate
    if Path(gate).suffix in (".yaml", ".yml", ".py"):
        spec = open_study(Path(gate), profile, [])
        name = f"{spec.name}-{spec.profile}"
    path = baseline or FOLDER / f"{name}.json"
    kept = Store.at(store)
    kept.refresh()
    entries = read(name, kept.root, path)
    folder = folder_of(name, kept.root)
    if not entries:
        raise StoreError(
            f"{name}: found no check in {folder} and no baseline in {path}; "
            "`rgm-bench check` makes them"
        )
    _print(entries)
    if not any(entry.values for entry in entries):
        return
    for suffix, content in zip(("svg", "png"), history_figure(entries), strict=True):
        write_whole(folder / f"history.{suffix}", content)
    print(f"figure: {folder / 'history.svg'}")


def _print(entries: "tuple[Entry, ...]") -> None:
    from rich.table import Table

    from rgm_bench.gate.outputs.figure import mean_of
    from rgm_bench.gate.outputs.terminal import console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("time", "commit", "number", "mean", "seeds", "verdict"):
        table.add_column(head, justify="right" if head in ("mean", "seeds") else "left")
    for entry in entries:
        mean = f"{mean_of(entry):.4g}" if entry.values else "-"
        verdict = "baseline" if entry.kind == "baseline" else entry.verdict
        commit = _short(entry.commit)
        table.add_row(entry.time, commit, entry.number, mean, str(len(entry.values)), verdict)
    console().print(table, markup=False)


def _short(commit: str | None) -> str:
    if commit is None:
        return "no repository"
    digits, _, dirty = commit.partition("-")
    return f"{digits[:8]}{' dirty' if dirty else ''}"
