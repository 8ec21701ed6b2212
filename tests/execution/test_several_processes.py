"""Trainings that two processes share, by Ray Train on CPUs, in a study run as any other."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rgm_bench.config.load import load_study
from rgm_bench.config.study import Resources, StudySpec
from rgm_bench.errors import StoreError, StudyError, UserError
from rgm_bench.execution.base import Attempt
from rgm_bench.execution.ray import RayExecutor
from rgm_bench.execution.ray_train import RayTrain
from rgm_bench.ranks import Ranks
from rgm_bench.results.lease import running
from rgm_bench.results.store import Store, View
from rgm_bench.session import bring_on
from tests.execution.conftest import SHIPPED

pytestmark = pytest.mark.process


@pytest.fixture
def shared(without_real: StudySpec) -> StudySpec:
    """One training of 160 digits on two processes, and a measurement of it."""
    return replace(
        without_real, trials=without_real.trials[-1:], resources=Resources(cpus=1, processes=2)
    )


def snapshot(store: Path) -> dict[str, torch.Tensor]:
    (path,) = store.glob("trainings/*/*/snapshot-160.safetensors")
    return load_file(path)


def test_a_study_runs_to_its_end_with_the_weights_of_one_process(
    shared: StudySpec, tmp_path: Path
) -> None:
    alone = replace(shared, resources=Resources())
    bring_on(alone, View(Store(tmp_path / "alone")), executor="local")
    before = set(Path.home().iterdir())
    summary = bring_on(shared, View(Store(tmp_path / "shared")), workers=2)
    assert (summary.num_done, summary.failed) == (2, {})
    assert set(Path.home().iterdir()) == before  # no results folder of Ray's own
    store = tmp_path / "shared"
    (result,) = store.glob("trainings/*/*/result.json")
    found = json.loads(result.read_text())
    assert found["provenance"]["processes"] == 2
    assert {path.name for path in result.parent.iterdir()} == {
        "result.json",
        "curve.json",
        "log.txt",
        *(f"snapshot-{images}.safetensors" for images in (32, 48, 80, 160)),
    }
    assert list((store / "leases").iterdir()) == []
    (other,) = (tmp_path / "alone").glob("trainings/*/*/result.json")
    assert other.parent.relative_to(tmp_path / "alone") == result.parent.relative_to(store)
    assert json.loads(other.read_text())["provenance"]["processes"] == 1
    weights, expected = snapshot(store), snapshot(tmp_path / "alone")
    apart = torch.cat(
        [
            ~torch.isclose(weights[name], expected[name], rtol=0.02, atol=1e-4).flatten()
            for name in expected
        ]
    )
    # Adam turns what rounds in a gradient near zero into a step, so single weights may differ
    assert apart.float().mean() < 1e-3


def test_what_one_process_raises_is_what_all_end_with() -> None:
    def part(ranks: Ranks) -> None:
        if ranks.rank == 1:
            raise StoreError("planted")
        ranks.mean(torch.zeros(1))

    executor = RayExecutor(lambda unit: Attempt(unit.id, "ok", 0.0), workers=2)
    try:
        with pytest.raises(StoreError, match="planted"):
            RayTrain(processes=2, cpus=1, gpus=0)(part)
    finally:
        executor.close()


COMMAND = [
    *(sys.executable, "-m", "rgm_bench", "run", str(SHIPPED), "--profile", "smoke"),
    *("--set", "seeds=[0]", "--set", "axes.fidelity_weight.values=[0.05]"),
    *("--set", "training.images=3200", "--set", "training.batch_size=16"),
    *(
        "--set",
        "training.generator.base_channels=8",
        "--set",
        "evaluations.generation.num_images=64",
    ),
]
SHARED = ["--set", "resources.processes=2", "--workers", "2"]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose training two processes share, in the middle of it."""
    process = subprocess.Popen(
        [*COMMAND, *SHARED, "--store", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 900
    while not list(tmp_path.glob("trainings/*/*/checkpoint.safetensors")):
        assert process.poll() is None, "the run ended before it could be disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def images_gone_on_from(store: Path) -> list[int]:
    """Images that were done when the training was started or gone on with, in this order."""
    (log,) = store.glob("trainings/*/*/log.txt")
    return [
        int(n.replace(",", "")) for n in re.findall(r"([\d,]+) images are done", log.read_text())
    ]


def test_a_killed_process_ends_all_and_two_go_on(
    started: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (first,) = running(tmp_path / "leases")
    os.kill(first.pid, signal.SIGKILL)
    assert started.wait(timeout=900) == 0
    begun, gone_on = images_gone_on_from(tmp_path)
    assert begun == 0 < gone_on
    (journal,) = tmp_path.glob("studies/*/*/journal/*")
    events = map(json.loads, journal.read_text().splitlines())
    failed = [event["kind"] for event in events if event["event"] == "failed"]
    assert failed == ["worker killed"]


def test_one_process_goes_on_with_what_two_began(
    started: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    started.kill()
    started.wait()
    done = subprocess.run(
        [*COMMAND, "--executor", "local", "--store", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert images_gone_on_from(tmp_path)[-1] > 0
    (result,) = tmp_path.glob("trainings/*/*/result.json")
    assert json.loads(result.read_text())["provenance"]["processes"] == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            "training.method={prior: {kind: mmd, bandwidths: [1.0]}}",
            "resources.processes: 2 splits batches, and the prior mmd compares whole ones: use 1",
        ),
        (
            "training.batch_size=4",
            "resources.processes: 2 does not divide batch_size 4 into equal parts of whole groups "
            "(of 4 images x accumulation 1): use 1, or batch_size 8",
        ),
        ("resources.gpus=0.5", "resources.gpus: 0.5 is less than each of 2 processes needs"),
        ("resources.gpus=2", "resources.gpus: 2 is more than a process uses: use 1, and processes"),
    ],
)
def test_what_cannot_be_shared_is_refused_before_any_work(change: str, text: str) -> None:
    overrides = ["resources.processes=2", "training.images=160", "training.batch_size=16", change]
    with pytest.raises(StudyError, match="--set") as refused:
        load_study(SHIPPED, profile="smoke", overrides=overrides)
    assert text in str(refused.value)


def test_one_process_runs_no_shared_training(shared: StudySpec, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"resources\.processes=1"):
        bring_on(shared, View(Store(tmp_path)), executor="local")


def test_more_processes_than_there_are_cpus_are_refused(shared: StudySpec, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"each of 2 processes .* has 1 CPUs .* and 1 of them fits"):
        bring_on(shared, View(Store(tmp_path)), workers=1)
