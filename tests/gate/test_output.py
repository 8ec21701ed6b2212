"""What becomes of a command whose output nobody takes, and of one that is broken itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.conftest import BY_COMMAND, ROOT

pytestmark = pytest.mark.process


def started(*words: str, cwd: Path, code: str = "", **streams) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, after `code` has changed something there."""
    script = f"import sys; sys.argv = ['rgm-bench', *sys.argv[1:]]\n{code}\n"
    script += "from rgm_bench.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=600,
        check=False,
        **streams,
    )


@pytest.fixture
def closed_pipe():
    """The end to write to of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_a_verdict_and_its_reports_do_not_need_a_reader(model, tmp_path, closed_pipe) -> None:
    files = [tmp_path / name for name in ("a.xml", "a.json", "a.md")]
    options = zip(("--junit", "--json", "--markdown"), map(str, files), strict=True)
    words = [word for option in options for word in option]
    done = started("check", *BY_COMMAND, *words, cwd=model, stdout=closed_pipe)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(file.stat().st_size for file in files)


def test_a_full_disk_below_the_output_is_named_and_changes_no_verdict(model, tmp_path) -> None:
    report = tmp_path / "b.xml"
    with open("/dev/full", "w") as full:
        done = started("check", *BY_COMMAND, "--junit", str(report), cwd=model, stdout=full)
    assert done.returncode == 0
    assert done.stderr.startswith("error: standard output: the disk is full")
    assert report.stat().st_size


def test_a_report_that_cannot_be_written_takes_no_other_with_it(model, tmp_path) -> None:
    (tmp_path / "file").touch()
    words = ["--markdown", str(tmp_path / "file/a.md"), "--json", str(tmp_path / "a.json")]
    done = started("check", *BY_COMMAND, *words, cwd=model, stdout=subprocess.DEVNULL)
    assert done.returncode == 0
    assert done.stderr.startswith("error: ")
    assert (tmp_path / "a.json").stat().st_size


def test_other_commands_end_well_in_a_closed_pipe_and_not_on_a_full_disk(
    tmp_path, closed_pipe
) -> None:
    done = started("schema", cwd=tmp_path, stdout=closed_pipe)
    assert (done.returncode, done.stderr) == (0, "")
    with open("/dev/full", "w") as full:
        done = started("schema", cwd=tmp_path, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output: the disk is full")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "fault",
    [
        "sys.modules['rgm_bench.cli.look'] = None",  # of an installation that lacks something
        "import rgm_bench.config.schema as schema; schema.study_schema = None",
    ],
)
def test_a_fault_of_the_program_is_no_regression(tmp_path, fault) -> None:
    done = started("schema", cwd=tmp_path, code=fault, stdout=subprocess.PIPE)
    assert done.returncode == 70
    assert "Traceback" in done.stderr
