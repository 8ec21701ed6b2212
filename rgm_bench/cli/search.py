"""Commands about searches: export-search."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rgm_bench.cli.counts import counted
from rgm_bench.cli.options import (
    DEFAULT_STORE,
    Overrides,
    Profile,
    StoreLocation,
    StudyFile,
    open_study,
)
from rgm_bench.results.store import Store, View


def export_search(
    study: StudyFile,
    to: Annotated[Path, typer.Option(help="A new sqlite file.")] = Path("optuna.db"),
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Write a search as an Optuna database, to be opened by optuna-dashboard."""
    spec = open_study(study, profile, overrides)
    from rgm_bench.search.export import export_search as write
    from rgm_bench.search.export import uri_of

    count = write(spec, View(Store.open(store)), to)
    look = shlex.join(["optuna-dashboard", uri_of(to)])
    print(f"{counted(count, 'trial')} in {to}; to look at them: {look}")
