"""Studies that are killed, interrupted and shared end with the bits of an undisturbed one."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from rgm_bench.results.journal import read_journal
from rgm_bench.results.lease import running

pytestmark = pytest.mark.process

PATIENCE_SECONDS = 600
"""How long a command may take: much longer than it does, for machines that are busy."""

SHIPPED = Path(__file__).parents[1] / "studies" / "lambda_sweep.yaml"
SETTINGS = (
    "seeds=[0]",
    "axes.fidelity_weight.values=[0, 0.05]",
    "training.images=3200",
    "training.batch_size=16",
    "training.generator.base_channels=8",
    "evaluations.generation.num_images=64",
    "evaluations.generation.at_images=[0.5, 1.0]",
)
COMMAND = [
    *(sys.executable, "-m", "rgm_bench", "run", str(SHIPPED), "--profile", "smoke"),
    *(word for setting in SETTINGS for word in ("--set", setting)),
]


def run(store: Path, *options: str, expected: int = 0) -> str:
    done = subprocess.run(
        [*COMMAND, "--store", str(store), *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


def metrics(store: Path) -> dict[str, dict[str, float]]:
    found = sorted(store.glob("evaluations/*/*/result.json"))
    return {path.parent.parent.name: json.loads(path.read_text())["metrics"] for path in found}


def finished(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in store.glob("*/*/*/result.json")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    store = tmp_path_factory.mktemp("undisturbed")
    run(store, "--executor", "local")
    found = metrics(store)
    assert len(found) == 6  # two arms at two shares, and two rows of real images
    assert all(set(values) and all(v == v for v in values.values()) for values in found.values())
    return found


@contextmanager
def disturbed(store: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run in the middle of its first trainings, which have saved themselves."""
    process = subprocess.Popen(
        [*COMMAND, "--store", str(store), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # tests in the background of a shell inherit that Ctrl-C is ignored; a terminal's do not
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not list(store.glob("trainings/*/*/checkpoint.safetensors")):
            assert process.poll() is None, "the run ended before it could be disturbed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run with two Ray workers."""
    with disturbed(tmp_path, "--workers", "2") as process:
        yield process


def test_killed_driver(started, tmp_path, undisturbed) -> None:
    started.kill()
    started.wait()
    before = finished(tmp_path)
    run(tmp_path, "--workers", "2")
    assert metrics(tmp_path) == undisturbed
    after = finished(tmp_path)
    assert {path: after[path] for path in before} == before
    assert "0 to run" in run(tmp_path)


def test_killed_worker(started, tmp_path, undisturbed) -> None:
    victim = running(tmp_path / "leases")[0]
    os.kill(victim.pid, signal.SIGKILL)
    assert started.wait(timeout=PATIENCE_SECONDS) == 0
    assert metrics(tmp_path) == undisturbed


def images_after(words: str, store: Path) -> dict[str, list[str]]:
    """The numbers of images that the logs of trainings give with some words, oldest first."""
    return {
        path.parent.parent.name: re.findall(words.replace("N", "([0-9,]+)"), path.read_text())
        for path in store.glob("trainings/*/*/log.txt")
    }


@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_then_one_worker(started, tmp_path, undisturbed, signal_number, code) -> None:
    started.send_signal(signal_number)
    assert started.wait(timeout=PATIENCE_SECONDS) == code
    assert len(metrics(tmp_path)) < 6
    stopped = images_after("stopped after N images", tmp_path)
    assert any(stopped.values())  # one may just have ended
    run(tmp_path, "--workers", "1")
    assert metrics(tmp_path) == undisturbed
    # each went on from its very last step, not from the checkpoint of seconds before
    begun = images_after("N images are done of", tmp_path)
    for unit, images in stopped.items():
        assert begun[unit] == ["0", *images]


def test_interrupted_without_ray(tmp_path, undisturbed) -> None:
    with disturbed(tmp_path, "--executor", "local") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_SECONDS) == 143
    (stopped,) = images_after("stopped after N images", tmp_path).values()
    run(tmp_path, "--executor", "local")
    assert metrics(tmp_path) == undisturbed
    assert ["0", *stopped] in images_after("N images are done of", tmp_path).values()


def test_a_second_signal_stops_at_once(started, tmp_path, undisturbed) -> None:
    started.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    started.send_signal(signal.SIGTERM)
    assert started.wait(timeout=PATIENCE_SECONDS) == 143
    run(tmp_path, "--executor", "local")
    assert metrics(tmp_path) == undisturbed


def test_limits_end_a_run_as_incomplete_and_the_next_one_goes_on(tmp_path, undisturbed) -> None:
    local = ("--executor", "local")
    told = run(tmp_path, *local, "--time-limit", "1 s", expected=6)
    assert "incomplete: time limit reached with 8 units left" in told
    told = run(tmp_path, *local, "--max-units", "2", expected=6)
    assert "incomplete: number of units reached with" in told
    assert "ran 2 units" in told
    assert "run again: rgm-bench run" in told
    told = run(tmp_path, *local, "--max-hours", "0", expected=6)
    assert "incomplete: unit hours reached with" in told
    run(tmp_path, *local)
    assert metrics(tmp_path) == undisturbed


def test_two_at_once_share_the_work(started, tmp_path, undisturbed) -> None:
    run(tmp_path, "--executor", "local")
    assert started.wait(timeout=PATIENCE_SECONDS) == 0
    assert metrics(tmp_path) == undisturbed
    assert len(finished(tmp_path)) == 8
    for log in tmp_path.glob("trainings/*/*/log.txt"):
        assert log.read_text().count("images are done of") == 1  # one driver trained it


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three nodes with a CPU each, all of them on this machine."""
    one_cpu = {"num_cpus": 1, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=one_cpu)
    try:
        for _ in range(2):
            made.add_node(num_cpus=1)
        yield made
    finally:
        made.shutdown()


def test_a_node_that_dies_costs_an_attempt_and_no_bit(cluster, tmp_path, undisturbed) -> None:
    nodes = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
    with disturbed(tmp_path, "--address", cluster.address) as process:
        found: dict[str, int] = {}
        while not found:  # two trainings run, and the head has one CPU
            at_work = {p.id: psutil.Process(p.pid).ppid() for p in running(tmp_path / "leases")}
            found = {unit: raylet for unit, raylet in at_work.items() if raylet in nodes}
        lost, raylet = next(iter(found.items()))
        cluster.remove_node(nodes[raylet], allow_graceful=False)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0
    assert metrics(tmp_path) == undisturbed
    journal = list(read_journal(next(tmp_path.glob("studies/*/*/journal"))))
    failed = [event for event in journal if event["event"] == "failed"]
    assert [(event["unit"], event["kind"]) for event in failed] == [(lost, "node lost")]
