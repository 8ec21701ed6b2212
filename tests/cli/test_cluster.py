"""The script for Slurm, run by bash with commands that stand in for Slurm's and Ray's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "studies" / "lambda_sweep.yaml"


def script(*options: str, expected: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "rgm_bench", "slurm", str(SHIPPED), *options],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def submitted(text: str, folder: Path, *, code: int) -> tuple[int, list[str]]:
    """The exit code of a script, and the words of each command that it called."""
    log = folder / "called"
    for name, body in {
        "scontrol": f'echo "scontrol $*" >> {log}; echo node1; echo node2',
        "srun": f'printf "%s\\n" "$@" >> {log}; exit {code}',
    }.items():
        path = folder / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    where = {"PATH": f"{folder}:{os.environ['PATH']}"}
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "node[1-2]"}
    done = subprocess.run(["bash"], input=text, env=where | job, text=True, timeout=60)
    return done.returncode, log.read_text().splitlines()


def test_the_command_arrives_as_it_was_written(tmp_path: Path):
    text = script(
        *("--time", "4h", "--nodes", "2", "--cpus", "16", "--gpus", "4", "--profile", "smoke"),
        *("--store", "/shared/my results", "--set", "seeds=[0, 1]"),
    )
    code, called = submitted(text, tmp_path, code=0)
    assert code == 0
    assert called[0] == "scontrol show hostnames node[1-2]"
    ray, command = called[1 : called.index("--")], called[called.index("--") + 1 :]
    assert ray[:2] == ["--no-kill", "ray"]  # else srun would end the others with a lost node
    assert ray[2:7] == ["symmetric-run", "--address", "node1:6379", "--min-nodes", "2"]
    assert {"--num-cpus=16", "--num-gpus=4"} <= set(ray)
    assert command == [
        *("rgm-bench", "run", str(SHIPPED), "--profile", "smoke"),
        *("--store", "/shared/my results", "--set", "seeds=[0, 1]"),
        *("--address", "auto", "--time-limit", "235min"),
    ]
    asked = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert {
        "#SBATCH --no-kill",
        "#SBATCH --nodes=2",
        "#SBATCH --gpus-per-task=4",
        "#SBATCH --time=240",
    } <= set(asked)


@pytest.mark.parametrize("code", [0, 2, 5, 6])
def test_a_job_that_is_not_complete_goes_back_into_the_queue(tmp_path: Path, code: int):
    ended, called = submitted(script("--time", "30min"), tmp_path, code=code)
    assert ended == code
    assert ("scontrol requeue 7" in called) == (code == 6)


def test_a_job_without_gpus_asks_for_none():
    assert "gpus-per-task" not in script("--time", "30min")


@pytest.mark.parametrize(
    ("time", "said"),
    [("4", "expected a duration such as"), ("9 min", "a job needs 10 min or more")],
)
def test_a_time_that_is_none_or_too_short_is_refused(time: str, said: str):
    assert said in " ".join(script("--time", time, expected=2).split())
