"""What git says of the folder a gate is run in."""

import os
import subprocess
from pathlib import Path

from rgm_bench.errors import StoreError

_OF_A_HOOK = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
}
"""What git tells its hooks of the repository that it is at work on. Whatever inherits these acts on
the commit that is being made, in whichever folder it runs."""


def outside_hooks() -> dict[str, str]:
    """The present environment, as it is where no hook runs."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}


def git(*words: str, cwd: Path | None = None) -> str:
    """What a git command prints.

    Raises:
        StoreError: git is not installed, or it says no.
    """
    try:
        done = subprocess.run(
            # no hook of the repository is run, and its index is not refreshed
            ["git", "-c", f"core.hooksPath={os.devnull}", *words],
            cwd=cwd,
            env=outside_hooks() | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise StoreError("git is not installed, or not on PATH") from None
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise StoreError(f"git {' '.join(words)}: {said}")
    return done.stdout.rstrip("\n")


def revision(cwd: Path | None = None) -> str | None:
    """The commit that is checked out, `-dirty` behind it where tracked files were changed.

    None outside of a repository.
    """
    try:
        commit = git("rev-parse", "HEAD", cwd=cwd)
        changed = git("status", "--porcelain", "--untracked-files=no", cwd=cwd)
    except StoreError:
        return None
    return f"{commit}-dirty" if changed else commit
