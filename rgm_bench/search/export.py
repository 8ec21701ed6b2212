"""A search as an Optuna database, for optuna-dashboard and whatever else reads those."""

from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from sqlalchemy import URL

from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StoreError, UserError
from rgm_bench.results.files import explain
from rgm_bench.search.run import SearchRun

if TYPE_CHECKING:
    from rgm_bench.results.frames import Results


def export_search(study: StudySpec, results: "Results", path: Path) -> int:
    """Write a new sqlite database at `path`; returns how many trials are in it.

    It is a copy for others to look at: a search never reads it, and goes on without it.

    Raises:
        UserError: the study has no search, or there is a file at `path`.
        StoreError: `path` cannot be written.
    """
    if study.search is None:
        raise UserError(f"{study.name}/{study.profile}: found no search in this study to export")
    if path.exists():
        raise UserError(f"{path}: is there already; --to names another file")
    run = SearchRun(study, results)
    run.advance()
    try:
        path.touch()
    except OSError as error:
        raise StoreError(explain(error, path)) from error
    copy = optuna.create_study(
        study_name=f"{study.name}/{study.profile}",
        storage=uri_of(path),
        directions=run.optuna.study.directions,
    )
    copy.add_trials(run.optuna.study.get_trials())
    return len(run.suggestions)


def uri_of(database: Path) -> str:
    """What names a database to Optuna and its tools, whatever is in its name."""
    return URL.create("sqlite", database=str(database)).render_as_string()
