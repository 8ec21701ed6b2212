"""What commands say of damaged files, and of results that nothing proves."""

import sys
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.cli.counts import counted
from rgm_bench.results.damage import Mender, Noted, set_aside_by_workers
from rgm_bench.results.store import Store, View


def mend(view: View, *, remake: bool) -> None:
    """Have what is damaged set aside from now on, so that it is made again."""
    view.on_damage = Mender(view.store, remake=remake, say=_to_stderr)


@contextmanager
def naming_set_aside(store: Store) -> Generator[None]:
    """Name, on leaving the `with` block, the files that workers have set aside in it."""
    before = set_aside_by_workers(store)
    try:
        yield
    finally:
        for path in sorted(set_aside_by_workers(store) - before):
            _to_stderr(f"set aside: {path}, which was damaged, and made again")


def take_note(view: View) -> Noted:
    """Have what is damaged taken as not there from now on; it is told to `refuse_noted`."""
    view.on_damage = noted = Noted()
    return noted


def refuse_noted(noted: Noted) -> None:
    """Name what is damaged, and leave with 2 if anything is."""
    for error in noted.errors.values():
        _to_stderr(f"error: {error}")
    if noted.errors:
        raise typer.Exit(exit_codes.USAGE)


def name_left_out(view: View) -> None:
    """Name the curves that were left out, and count the results that have no seal."""
    for path, found in view.damaged_curves.items():
        _to_stderr(
            f"warning: {path} is damaged: {found}; the curve is left out, and `rgm-bench retry "
            f"STUDY {path.parts[-3]}` trains again"
        )
    name_unsealed(view.store.unsealed, view.store)


def name_unsealed(paths: Collection[str], store: Store) -> None:
    """Count the results that were written before results had a seal, and name the first."""
    if paths:
        first = Path(min(paths)).parent.relative_to(store.root)
        verb, them = ("has", "it one") if len(paths) == 1 else ("have", "them one")
        _to_stderr(
            f"note: {counted(len(paths), 'result')} of {store} {verb} no digest, being from before "
            f"there were any ({first}{', ...' if len(paths) > 1 else ''}); `rgm-bench sync --seal` "
            f"gives {them}"
        )


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)
