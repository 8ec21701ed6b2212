"""Options that several commands share, and what they stand for."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgm_bench.environment import variable

if TYPE_CHECKING:
    from rgm_bench.config.study import StudySpec
    from rgm_bench.results.store import View

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="A study file (YAML, or Python).")]
Profile = Annotated[str, typer.Option(help="Which profile of the study.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="Override one field; may be given several times."
    ),
]
StoreLocation = Annotated[
    str,
    typer.Option(
        "--store", metavar="PATH|URI", help="The folder of results, or as in s3://bucket/prefix."
    ),
]
UnitId = Annotated[str, typer.Argument(metavar="ID", help="The id of a unit, or its first digits.")]


class CodeOption(StrEnum):
    """What to do about results that other code than the present one has made."""

    WARN = "warn"
    STRICT = "strict"
    IGNORE = "ignore"


Code = Annotated[
    CodeOption,
    typer.Option(
        help="Results of other code: use them and say so (warn), take them as missing (strict), "
        "or use them silently (ignore)."
    ),
]

DEFAULT_STORE = variable("RGM_BENCH_STORE") or "results"


def open_study(path: Path, profile: str, overrides: list[str]) -> "StudySpec":
    """The study that the options name.

    Raises:
        StudyError: the file, the profile or an override is wrong.
    """
    from rgm_bench.python_study import open_study

    return open_study(path, profile=profile, overrides=overrides)


def open_view(location: str, code: CodeOption = CodeOption.WARN) -> "View":
    """The store as the present code sees it, with what is in it by now.

    Raises:
        StoreError: an object store cannot be read.
    """
    from rgm_bench.results.store import Store, View

    store = Store.at(location)
    store.refresh()
    return View(store, code.value)
