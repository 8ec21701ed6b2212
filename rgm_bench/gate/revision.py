"""What git says of the folder a gate is run in."""

import subprocess
from pathlib import Path

from rgm_bench.errors import StoreError


def git(*words: str, cwd: Path | None = None) -> str:
    """What a git command prints.

    Raises:
        StoreError: git is not installed, or it says no.
    """
    try:
        done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=False)
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
