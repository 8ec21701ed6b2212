"""Another commit of the repository, laid out beside the present one and measured by its own code.

For runners that differ from run to run: both commits run in one job on one machine, and no
baseline of another machine is needed. Everything of the other commit lies in a temporary folder,
which is removed whatever happens.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from rgm_bench.errors import StudyError
from rgm_bench.gate.baseline import Measurement, read_baseline
from rgm_bench.gate.revision import git, outside_hooks

GRACE_SECONDS = 30.0
"""How long a measurement that is stopped may take to save itself."""


@final
@dataclass(frozen=True)
class OtherCommit:
    """A commit in a folder of its own.

    Args:
        ref: as the user named it.
        commit: which it is.
        home: the repository.
        tree: the files of the commit.
        scratch: a folder beside them, for stores and baselines.
    """

    ref: str
    commit: str
    home: Path
    tree: Path
    scratch: Path

    def there(self, path: Path) -> Path:
        """Where a file or folder of the repository lies in the other commit.

        Raises:
            StudyError: it lies outside of the repository.
        """
        try:
            return self.tree / path.resolve().relative_to(self.home)
        except ValueError:
            raise StudyError(
                f"--against: {path.resolve()} does not lie in the repository {self.home}; "
                "run the command inside of it"
            ) from None

    @property
    def folder(self) -> Path:
        """Where a command runs: the folder that is the present one here."""
        folder = self.there(Path.cwd())
        return folder if folder.is_dir() else self.tree

    @property
    def environment(self) -> Mapping[str, str]:
        """The present one, with the code of the commit before any other."""
        known = os.environ.get("PYTHONPATH")
        # before what is installed from the present files, too, which may lie in a folder src
        paths = [str(self.tree), str(self.tree / "src"), *([known] if known else [])]
        return outside_hooks() | {"PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def other_commit(ref: str) -> Generator[OtherCommit]:
    """Lay a commit out in a temporary folder, and take it away in the end.

    Args:
        ref: a commit, a branch or a tag.

    Raises:
        StudyError: there is no such commit.
        StoreError: the present folder is in no git repository.
    """
    home = Path(git("rev-parse", "--show-toplevel")).resolve()
    try:
        commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except Exception:
        raise StudyError(
            f"--against: {ref}: no commit of {home} is called that; in a shallow clone "
            "`git fetch origin REF` gets it"
        ) from None
    scratch = Path(tempfile.mkdtemp(prefix="rgm-bench-"))
    try:
        git("worktree", "add", "--detach", "--force", str(scratch / "tree"), commit, cwd=home)
        yield OtherCommit(ref, commit, home, scratch / "tree", scratch)
    finally:
        with suppress(Exception):  # not prune, which takes worktrees of others that are away
            git("worktree", "remove", "--force", "--force", str(scratch / "tree"), cwd=home)
        shutil.rmtree(scratch, ignore_errors=True)


def measured_by(other: OtherCommit, study: Path, words: Sequence[str]) -> Measurement:
    """What the code of another commit measures of a study.

    Args:
        other: the commit.
        study: the file, in the present one.
        words: further words of `rgm-bench check`.

    Raises:
        StudyError: the study or the command is missing there, or it failed.
        KeyboardInterrupt: it was stopped.
    """
    file = other.there(study)
    if not file.is_file():
        raise StudyError(
            f"--against {other.ref}: {study} is not in that commit, so there is nothing to compare "
            "with; `rgm-bench check STUDY --update` writes a baseline from this one"
        )
    kept = other.scratch / "baseline.json"
    command = [sys.executable, "-m", "rgm_bench", "check", str(file), "--update", *words]
    command += ["--baseline", str(kept), "--store", str(other.scratch / "store")]
    code = _run(command, other)
    if code in (130, 143):
        raise KeyboardInterrupt
    if not kept.is_file():
        raise StudyError(
            f"--against {other.ref}: measuring that commit ended with exit code {code}, as said "
            "above; its `rgm-bench check` has to know this study and these options"
        )
    return read_baseline(kept)


def _run(command: Sequence[str], other: OtherCommit) -> int:
    process = subprocess.Popen(command, cwd=other.folder, env=other.environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # Ctrl-C reaches both, a signal to this process alone does not
        process.send_signal(signal.SIGTERM)
        with suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
