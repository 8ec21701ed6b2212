"""The variables and the home folder of whoever runs this.

A variable that is set to nothing, as compose files and CI set them, counts as one that is not set.
"""

import os
from pathlib import Path

from rgm_bench.errors import UserError


def variable(name: str) -> str | None:
    """The value of a variable, or None if it is not set."""
    return os.environ.get(name) or None


def forget_empty(prefix: str) -> None:
    """Unset the variables of a library that are set to nothing: it would read them as values."""
    for name in [name for name, value in os.environ.items() if not value]:
        if name.startswith(prefix):
            del os.environ[name]


def path_of(text: str | Path, remedy: str = "give the path without ~") -> Path:
    """The path that a text names; a `~` at its start is the home folder.

    Args:
        text: the path.
        remedy: what to do, beside setting HOME, where there is no home folder.

    Raises:
        UserError: there is no home folder.
    """
    forget_empty("HOME")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UserError(f"{text}: there is no home folder; set HOME, or {remedy}") from None


def folder_of(name: str, default: str) -> Path:
    """The folder that the variable `name` holds, else the default one.

    Raises:
        UserError: it begins with `~`, and there is no home folder.
    """
    return path_of(variable(name) or default, f"set {name} to a folder")


def expanded(word: str) -> str:
    """A word of a command line with its `~` expanded, also behind `--option=`.

    Shells leave that to the command, and where no shell starts it, nobody does it.
    """
    before, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{before}{equals}{path_of(value)}" if value.startswith("~/") else word
