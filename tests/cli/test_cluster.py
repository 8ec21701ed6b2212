"""The script for Slurm, run by bash with commands that stand in for Slurm's and Ray's.

Slurm itself runs it in `tests/cluster`.
"""

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
        timeout=120,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


STARTS = """\
if [ "$1" = start ]; then exec sleep 300; fi
until [ -s {log}-start ]; do sleep 0.1; done"""
"""What `ray` does where it can start: it stays until it is asked to end, and has a status."""


class Called:
    """The exit code of a script, and the words of each command that it called, by its name."""

    def __init__(self, text: str, folder: Path, *, code: int = 0, ray: str = STARTS) -> None:
        step = folder / "log-srun---no-kill"
        started = f"until [ -s {step} ]; do sleep 0.1; done; " if "srun" in text else ""
        for name, body in {
            "ray": ray.format(log=folder / "log-ray"),
            "srun": "exec sleep 300",
            "scontrol": "",
            "rgm-bench": f"{started}exit {code}",
        }.items():
            log = folder / f"log-{name}"
            path = folder / name
            path.write_text(
                f'#!/bin/bash\n(printf "%s\\n" "$@"; echo "$RAY_AUTH_TOKEN") >> {log}-$1\n{body}\n'
            )
            path.chmod(0o755)
        job = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "localhost"}
        where = {"PATH": f"{folder}:{os.environ['PATH']}"}
        # the end of its output is the end of all that the script has started
        self.code = subprocess.run(
            ["bash"], input=text, env=where | job, text=True, timeout=120, capture_output=True
        ).returncode
        self._folder = folder

    def words(self, name: str) -> list[str]:
        """The words of a command, and then the token that it had; empty if it was not called."""
        path = self._folder / f"log-{name}"
        return path.read_text().splitlines() if path.exists() else []


def test_the_command_arrives_as_it_was_written(tmp_path: Path):
    text = script(
        *("--time", "4h", "--nodes", "3", "--cpus", "16", "--gpus", "4", "--profile", "smoke"),
        *("--store", "/shared/my results", "--set", "seeds=[0, 1]"),
    )
    called = Called(text, tmp_path)
    assert called.code == 0
    ray, token = called.words("ray-start")[:-1], called.words("ray-start")[-1]
    assert {"--head", "--block", "--num-cpus=16", "--num-gpus=4"} <= set(ray)
    (port,) = (word.removeprefix("--port=") for word in ray if word.startswith("--port="))
    assert called.words("rgm-bench-run") == [
        *("run", str(SHIPPED), "--profile", "smoke"),
        *("--store", "/shared/my results", "--set", "seeds=[0, 1]"),
        *("--time-limit", "235min", "--address", f"localhost:{port}"),
        token,
    ]
    step = called.words("srun---no-kill")  # else srun would end the others with a lost node
    # one task on each node but the first, with all CPUs: a step does not take these from its job
    assert step[:5] == [
        "--no-kill",
        "--relative=1",
        "--nodes=2",
        "--ntasks=2",
        "--cpus-per-task=16",
    ]
    assert step[-1] == token
    assert len(token) == 64
    asked = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert {
        "#SBATCH --no-kill",
        "#SBATCH --nodes=3",
        "#SBATCH --gpus-per-node=4",
        "#SBATCH --time=240",
    } <= set(asked)


def test_no_two_jobs_share_a_port_or_a_token(tmp_path: Path):
    text = script("--time", "30min")
    ports, tokens = set[str](), set[str]()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        *ray, token = Called(text, tmp_path / name).words("ray-start")
        ports |= {word for word in ray if word.startswith("--port=")}
        tokens.add(token)
    assert len(ports) == len(tokens) == 2


@pytest.mark.parametrize("code", [0, 2, 5, 6])
def test_a_job_that_is_not_complete_goes_back_into_the_queue(tmp_path: Path, code: int):
    called = Called(script("--time", "30min"), tmp_path, code=code)
    assert called.code == code
    assert called.words("scontrol-requeue")[:-1] == (["requeue", "7"] if code == 6 else [])


def test_a_job_in_which_ray_cannot_start_fails_and_runs_nothing(tmp_path: Path):
    called = Called(script("--time", "30min"), tmp_path, ray="exit 1")
    assert called.code == 1
    assert called.words("rgm-bench-run") == []


def test_a_job_has_the_gpus_that_the_study_needs():
    assert "gpus" not in script("--time", "30min").replace("--num-gpus=0", "")
    on_one = script("--time", "30min", "--profile", "gpu")
    assert "#SBATCH --gpus-per-node=1" in on_one
    assert "--num-gpus=1" in on_one
    shared = ("--profile", "gpu", "--set", "resources.processes=4", "--cpus", "16")
    assert "--num-gpus=4" in script("--time", "30min", *shared)
    assert "--num-gpus=2" in script("--time", "30min", *shared, "--nodes", "2")


@pytest.mark.parametrize("few", [("--gpus", "0"), ("--cpus", "2")])
def test_a_node_on_which_no_unit_fits_is_refused(few: tuple[str, ...]):
    said = script("--time", "30min", "--profile", "gpu", *few, expected=2)
    assert "no unit fits" in said
    assert f"{few[0]}" in said


@pytest.mark.parametrize(
    ("time", "said"),
    [("4", "expected a duration such as"), ("9 min", "a job needs 10 min or more")],
)
def test_a_time_that_is_none_or_too_short_is_refused(time: str, said: str):
    assert said in " ".join(script("--time", time, expected=2).split())
