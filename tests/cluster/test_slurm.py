"""The script for Slurm, run by Slurm on two nodes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.network import Host, wait_until
from tests.cluster.slurm import Slurm

pytestmark = pytest.mark.cluster

STUDY = Path(__file__).with_name("points.yaml")
NUM_UNITS = 12


def script(store: Path, *, nodes: int, images: int = 102_400) -> str:
    """The script that is printed."""
    options = ["--time", "10min", "--nodes", str(nodes), "--cpus", "1", "--store", str(store)]
    options += ["--profile", "smoke", "--set", f"training.images={images}"]
    return subprocess.run(
        [sys.executable, "-m", "rgm_bench", "slurm", str(STUDY), *options],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def results(store: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in store.glob("*/*/*/result.json")]


def processes(host: Host) -> list[str]:
    """The command lines on a host that are of Ray."""
    every = host.run("ps", "-eo", "args", "--no-headers").splitlines()
    return [line for line in every if "gcs_server" in line or "raylet" in line or "ray::" in line]


def hosts_of(found: list[dict[str, Any]]) -> set[str]:
    return {result["provenance"]["host"] for result in found if result["kind"] == "training"}


@pytest.fixture
def store(folder: Path) -> Path:
    return folder / "results"


def test_a_job_of_two_nodes_brings_a_study_to_complete_on_both(slurm: Slurm, store: Path) -> None:
    job = slurm.submit(script(store, nodes=2))
    assert slurm.wait_for(job, "COMPLETED", "FAILED") == "COMPLETED", slurm.log(job)
    found = results(store)
    assert len(found) == NUM_UNITS
    assert {result["status"] for result in found} == {"ok"}
    assert hosts_of(found) == {"n1", "n2"}
    wait_until(
        lambda: not [line for host in slurm.network.hosts for line in processes(host)],
        seconds=60,
        what="Ray ends with the job",
    )


def test_a_port_of_another_program_is_left_to_it(slurm: Slurm, store: Path) -> None:
    """Ray's usual port is that of other programs, and of a second Ray on the node."""
    first = slurm.network.hosts[0]
    listen = "import socket, time; s = socket.create_server(('', 6379)); time.sleep(3600)"
    first.start(sys.executable, "-c", listen, log=slurm.folder / "listener.log")
    job = slurm.submit(script(store, nodes=1))
    assert slurm.wait_for(job, "COMPLETED", "FAILED") == "COMPLETED", slurm.log(job)
    assert len(results(store)) == NUM_UNITS


def test_a_job_in_which_ray_cannot_start_has_failed(slurm: Slurm, store: Path) -> None:
    """Here every port that the script may choose is that of another program."""
    text = script(store, nodes=1).replace("print(s.getsockname()[1])", "print(6379)")
    assert "print(6379)" in text
    first = slurm.network.hosts[0]
    listen = "import socket, time; s = socket.create_server(('', 6379)); time.sleep(3600)"
    first.start(sys.executable, "-c", listen, log=slurm.folder / "listener.log")
    job = slurm.submit(text)
    assert slurm.wait_for(job, "COMPLETED", "FAILED") == "FAILED", slurm.log(job)
    assert not results(store)


def test_a_job_goes_on_after_its_time_limit(slurm: Slurm, store: Path) -> None:
    """The least limit that can be asked for is long, so here the first run has a shorter one."""
    limit = '"$([ -n "$SLURM_RESTART_COUNT" ] && echo 5min || echo 40s)"'
    text = script(store, nodes=2, images=1_024_000)
    assert "--time-limit 5min" in text
    job = slurm.submit(text.replace("--time-limit 5min", f"--time-limit {limit}"))
    wait_until(lambda: slurm.shown(job, "Restarts") == "1", seconds=300, what="a requeue")
    before = len(results(store))
    assert slurm.wait_for(job, "COMPLETED", "FAILED", seconds=900) == "COMPLETED", slurm.log(job)
    assert "incomplete: time limit reached" in slurm.log(job)
    assert before < len(results(store)) == NUM_UNITS
    # trainings went on from where they were, and did not begin again
    begun = [path.read_text() for path in store.glob("trainings/*/*/log.txt")]
    assert any("\n" in text and " 0 images are done" not in text.splitlines()[-1] for text in begun)


def test_a_job_that_is_cancelled_leaves_no_ray_and_the_next_one_goes_on(
    slurm: Slurm, store: Path
) -> None:
    job = slurm.submit(script(store, nodes=2))
    wait_until(lambda: len(results(store)) > 0, seconds=300, what=f"a result: {slurm.log(job)}")
    slurm.run("scancel", str(job))
    slurm.wait_for(job, "CANCELLED")
    wait_until(
        lambda: slurm.nodes("idle") == 2 and not any(map(processes, slurm.network.hosts)),
        seconds=60,
        what="both nodes idle, without Ray",
    )
    before = len(results(store))
    assert "what is finished is kept" in slurm.log(job)
    following = slurm.submit(script(store, nodes=2))
    assert slurm.wait_for(following, "COMPLETED", "FAILED") == "COMPLETED", slurm.log(following)
    assert before < len(results(store)) == NUM_UNITS


def test_a_ray_of_an_earlier_job_is_no_hindrance(slurm: Slurm, store: Path) -> None:
    first = slurm.network.hosts[0]
    ray = str(Path(sys.executable).with_name("ray"))
    address = f"--node-ip-address={first.address}"
    first.run(ray, "start", "--head", "--port=6379", address, "--include-dashboard=false")
    assert processes(first)
    job = slurm.submit(script(store, nodes=2))
    assert slurm.wait_for(job, "COMPLETED", "FAILED") == "COMPLETED", slurm.log(job)
    assert len(results(store)) == NUM_UNITS


def test_a_job_whose_first_node_is_lost_goes_back_into_the_queue(slurm: Slurm, store: Path) -> None:
    job = slurm.submit(script(store, nodes=2, images=512_000))
    wait_until(lambda: len(results(store)) > 0, seconds=300, what=f"a result: {slurm.log(job)}")
    first = slurm.network.hosts[0]
    assert slurm.shown(job, "BatchHost") == first.name
    first.kill()
    wait_until(lambda: slurm.shown(job, "Restarts") == "1", seconds=300, what="a requeue")
    slurm.network.join(first)
    slurm.start_node(first)
    assert slurm.wait_for(job, "COMPLETED", "FAILED", seconds=600) == "COMPLETED", slurm.log(job)
    assert len(results(store)) == NUM_UNITS
