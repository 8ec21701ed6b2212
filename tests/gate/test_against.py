"""Two commits of a repository, measured beside each other."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.gate.conftest import (
    BY_COMMAND,
    OF_THE_STUDY,
    ROOT,
    STUDY,
    check_study,
    command,
    copy_of_the_package,
    plant,
    quick,
)

pytestmark = pytest.mark.process

IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with one line changed, committed, and that line put right again."""
    folder = tmp_path_factory.mktemp("repository")
    package = copy_of_the_package(folder)
    (folder / "studies").mkdir()
    (folder / "studies" / "tiny.yaml").write_text(STUDY)
    right = (package / "objectives.py").read_text()
    plant(package)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (package / "objectives.py").write_text(right)
    return folder


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made, empty."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # of this process, which has it by heart
    return tmp_path


def assert_clean(repository: Path, scratch: Path) -> None:
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert not list(scratch.glob("rgm-bench-*"))


def test_both_commits_run_by_their_own_code_and_nothing_is_left(repository, scratch) -> None:
    done = command(
        *(*OF_THE_STUDY, "--against", "HEAD", "--inconclusive", "pass"),
        cwd=repository,
        environment={"PYTHONPATH": ""},
    )
    assert "fingerprint: other numbers from step " in done.stdout
    assert done.stdout.count("15 to run with this code") == 2
    assert "against HEAD (" in done.stdout
    assert not (repository / "results" / "baselines").exists()
    assert_clean(repository, scratch)


def test_a_study_that_is_not_in_the_other_commit(repository, scratch) -> None:
    new = repository / "studies" / "fresh.yaml"
    new.write_text(STUDY.replace("name: tiny", "name: fresh"))
    done = quick(
        *("check", str(new), "--profile", "smoke", "--executor", "local", "--against", "HEAD"),
        cwd=repository,
        expected=2,
    )
    new.unlink()
    assert "fresh.yaml is not in that commit" in done.stderr
    assert_clean(repository, scratch)


def test_a_commit_that_there_is_not_and_a_folder_without_git(repository, tmp_path) -> None:
    assert "no commit of" in check_study("--against", "nope", cwd=repository, expected=2).stderr
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(STUDY)
    done = check_study("--against", "HEAD", cwd=tmp_path, expected=2)
    assert "not a git repository" in done.stderr


def test_the_other_commit_is_taken_away_after_ctrl_c(repository, scratch) -> None:
    words = [*OF_THE_STUDY, "--against", "HEAD", "--set", "training.images=6400000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rgm_bench", *words],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # what starts in the background of a shell ignores Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 300
    while not list(scratch.glob("rgm-bench-*/store/leases/*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the other commit hears it, too
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert_clean(repository, scratch)


def test_a_command_runs_in_both_commits(model, scratch) -> None:
    model = shutil.copytree(model, scratch / "model")
    git(model, "init", "-q")
    git(model, "add", "gen.py", "digits.npy")
    git(model, "commit", "-qm", "one")
    text = (model / "gen.py").read_text()
    (model / "gen.py").write_text(text.replace("NOISE = 40", "NOISE = 80"))
    done = quick("check", *BY_COMMAND, "--against", "HEAD", cwd=model, expected=1)
    assert "REGRESSION" in done.stdout
    assert_clean(model, scratch)


HOOK = """#!/bin/sh
exec {python} -m rgm_bench {words} --against HEAD --inconclusive pass > {log} 2>&1
"""


@pytest.mark.parametrize("linked", [False, True], ids=["commit -a", "in a linked worktree"])
def test_a_hook_that_checks_leaves_the_commit_as_it_is(model, scratch, monkeypatch, linked) -> None:
    """Git gives a hook the index of the commit, and in a linked worktree its folder, too."""
    folder = shutil.copytree(model, scratch / "model")
    git(folder, "init", "-q")
    git(folder, "add", "gen.py", "digits.npy")
    git(folder, "commit", "-qm", "one")
    git(folder, "worktree", "add", "-q", str(scratch / "away"), "-b", "away")
    (scratch / "away").rename(scratch / "unplugged")  # a worktree on a drive that is not here
    words = " ".join(["check", *BY_COMMAND[:1], f'"{BY_COMMAND[1]}"', *BY_COMMAND[2:]])
    hooks = folder / ".git/hooks"
    log = scratch / "log"
    for name, text in {
        "pre-commit": HOOK.format(python=sys.executable, words=words, log=log),
        "post-checkout": f"#!/bin/sh\ntouch {scratch / 'hooked'}\n",
    }.items():
        (hooks / name).write_text(text)
        (hooks / name).chmod(0o755)
    if linked:
        git(folder, "-c", "core.hooksPath=/dev/null", "worktree", "add", "-q", "../side")
        folder = scratch / "side"
    (folder / "new.txt").write_text("new")
    (folder / "gen.py").write_text((folder / "gen.py").read_text() + "\n# changed\n")
    git(folder, "add", "new.txt")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    git(folder, "commit", "-qam", "two")
    assert "PASS" in log.read_text(), log.read_text()
    assert git(folder, "show", "HEAD:gen.py") == (folder / "gen.py").read_text()
    assert "new.txt" in git(folder, "ls-files")
    assert git(folder, "status", "--porcelain", "--untracked-files=no") == ""
    assert "away" in git(folder, "worktree", "list")
    assert not (scratch / "hooked").exists()
    assert not list(scratch.glob("rgm-bench-*"))
