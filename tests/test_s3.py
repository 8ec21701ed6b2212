"""Studies whose store lies on an object store end as on a disk, whatever happens meanwhile."""

import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.errors import StoreError
from rgm_bench.execution import saved
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.results.remote import Remote
from rgm_bench.results.store import Store, View
from tests import test_survival
from tests.test_survival import PATIENCE_SECONDS, SHIPPED, metrics

SHORTER = {"training.images=3200": "training.images=800"}
COMMAND = [SHORTER.get(word, word) for word in test_survival.COMMAND]

pytestmark = pytest.mark.process


# --- one unit ---------------------------------------------------------------------------------


@pytest.fixture
def units() -> list[Unit]:
    """A training of 160 digits and its measurement."""
    study = load_study(
        SHIPPED,
        profile="smoke",
        overrides=[
            "seeds=[0]",
            "axes.fidelity_weight.values=[0.05]",
            "training.images=160",
            "training.batch_size=16",
            "training.generator.base_channels=8",
            "evaluations.generation.num_images=64",
        ],
    )
    study = replace(study, trials=tuple(t for t in study.trials if t.real is None))
    return [planned.unit for planned in make_plan(study, View(Store(Path("nothing")))).units]


@pytest.fixture
def machine(bucket, tmp_path, monkeypatch):
    """Makes this process a machine with a folder of its own; gives its store and a worker."""

    def become(name: str) -> tuple[Store, StoreWorker]:
        monkeypatch.setenv("RGM_BENCH_CACHE", str(tmp_path / name))
        uri = f"s3://{bucket}/results"
        return Store.at(uri), StoreWorker(uri)

    return become


def computed(store: Store, unit: Unit) -> dict[str, bytes]:
    """What a training leaves, without its result, which has seconds in it."""
    (folder,) = (store.root / "trainings" / unit.id).iterdir()
    names = ("snapshot-*", "curve.json")
    return {path.name: path.read_bytes() for name in names for path in folder.glob(name)}


def stop_at(number: int):
    left = iter(range(number - 1))
    return lambda: next(left, None) is None


def test_another_machine_goes_on_and_a_third_measures(
    units, machine, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(saved, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr("rgm_bench.trial.CHECKPOINT_SECONDS", 0.0)
    training, evaluation = units
    local = Store(tmp_path / "local")
    worker = StoreWorker(local.location)
    assert [worker(unit).ending for unit in units] == ["ok", "ok"]

    _, worker = machine("first")
    assert worker(training, stop_at(1 + 6)).ending == "stopped"
    second, worker = machine("second")
    assert worker(training).ending == "ok"
    (log,) = second.root.glob("trainings/*/*/log.txt")
    assert "stopped after 96 images" in log.read_text()
    assert "96 images are done of 160" in log.read_text()
    # those before it stopped too, which the second has not made
    assert computed(second, training) == computed(local, training)

    third, worker = machine("third")
    assert worker(evaluation).ending == "ok"
    (ours,) = metrics(third.root).values()
    (theirs,) = metrics(local.root).values()
    assert ours == theirs
    third.refresh()
    found = third.outcome("training", training.id)
    assert found is not None
    (folder,) = (third.root / "trainings" / training.id).iterdir()
    assert not third.fetched(folder / "checkpoint.safetensors").exists()
    assert third.running() == []


def test_another_machine_goes_on_with_a_training_that_was_done_in_part(
    units, machine, tmp_path
) -> None:
    training, _ = units
    local = Store(tmp_path / "local")
    assert StoreWorker(local.location)(training).ending == "ok"
    _, worker = machine("first")
    assert worker(replace(training, images=80)).ending == "ok"
    second, worker = machine("second")
    second.refresh()
    part = second.outcome("training", training.id)
    assert part is not None
    assert part.is_part
    assert worker(training).ending == "ok"
    (log,) = second.root.glob("trainings/*/*/log.txt")
    assert "80 images are done of 160" in log.read_text()
    assert computed(second, training) == computed(local, training)


def test_what_one_machine_finished_or_forgot_another_does_not_run_or_keep(units, machine) -> None:
    training, _ = units
    first, worker = machine("first")
    assert worker(training).ending == "ok"
    _, other = machine("second")
    assert other(training).ending == "found"
    (result,) = first.root.glob("trainings/*/*/result.json")
    (copy,) = machine("second")[0].root.glob("trainings/*/*/result.json")
    finished = result.read_bytes()
    assert copy.read_bytes() == finished
    first.forget("training", training.id)
    assert other(training).ending == "ok"
    assert copy.read_bytes() != finished  # it took another time


def test_a_server_that_is_gone_fails_the_unit_and_costs_no_step(
    units, machine, monkeypatch
) -> None:
    training, _ = units
    store, worker = machine("here")

    create = Remote.create

    def refuse(self, path, content):
        if path.endswith("result.json"):
            raise StoreError("nobody answers")
        return create(self, path, content)

    with monkeypatch.context() as gone:
        gone.setattr(Remote, "create", refuse)
        failed = worker(training)
    assert (failed.ending, failed.failure) == ("failed", "store error")
    assert failed.reason == "nobody answers"
    assert worker(training).ending == "ok"
    (log,) = store.root.glob("trainings/*/*/log.txt")
    assert "160 images are done of 160" in log.read_text()


def test_a_server_that_comes_back_costs_nothing(units, machine, object_store, tmp_path) -> None:
    training, _ = units
    local = Store(tmp_path / "local")
    assert StoreWorker(local.location)(training).ending == "ok"
    store, worker = machine("here")
    back = threading.Timer(2.0, object_store.start)
    asked = itertools.count()

    def go_on() -> bool:
        if next(asked) == 5:
            object_store.stop()
            back.start()
        return False

    assert worker(training, go_on).ending == "ok"
    back.join()
    assert computed(store, training) == computed(local, training)


def test_requests_of_a_unit(units, machine, object_store) -> None:
    """What a user pays for; a bound, so that nothing asks more by accident."""
    _, worker = machine("here")
    for unit, most in zip(units, (20, 15), strict=True):
        object_store.requests.clear()
        assert worker(unit).ending == "ok"
        assert len(object_store.requests) <= most


# --- whole studies ----------------------------------------------------------------------------


def environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "RGM_BENCH_CACHE": str(cache)}


def run(uri: str, cache: Path, *options: str) -> str:
    done = subprocess.run(
        [*COMMAND, "--store", uri, *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env=environment(cache),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def results(object_store, bucket: str) -> dict[str, bytes]:
    """The committed results, as they lie on the object store."""
    client = object_store.client()
    return {
        key: client.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in object_store.keys(bucket)
        if key.endswith("/result.json")
    }


def test_a_killed_study_goes_on_without_its_folder_and_ends_with_the_same_bits(
    bucket, object_store, tmp_path
) -> None:
    local = tmp_path / "local"
    run(str(local), tmp_path / "none", "--executor", "local")
    uri, cache = f"s3://{bucket}/results", tmp_path / "cache"
    process = subprocess.Popen(
        [*COMMAND, "--store", uri, "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(cache),
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not results(object_store, bucket):
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    time.sleep(3)  # its workers may commit for as long as they outlive it
    before = results(object_store, bucket)
    shutil.rmtree(cache)

    told = run(uri, cache, "--workers", "2")
    found = re.search(rf"8 units, (\d) in {uri}, ", told)
    assert found is not None
    assert len(before) <= int(found[1]) < 8
    after = results(object_store, bucket)
    assert len(after) == 8
    assert {key: after[key] for key in before} == before  # nothing ran again
    (root,) = (cache / "stores").iterdir()
    assert metrics(root) == metrics(local)
    assert {json.loads(content)["status"] for content in after.values()} == {"ok"}

    # tables do not tell where results lie: the same from a folder that has a copy of them
    shutil.rmtree(cache)
    assert "0 to run" in run(uri, cache)
    copied = tmp_path / "copied"
    (root,) = (cache / "stores").iterdir()
    shutil.copytree(root, copied)
    run(str(copied), tmp_path / "none")
    written = sorted(path.relative_to(root) for path in root.glob("studies/*/*/tables/*"))
    assert written
    for path in written:
        assert (copied / path).read_bytes() == (root / path).read_bytes()
    keys = object_store.keys(bucket)
    study = "results/studies/lambda_sweep"
    for name in ("study.json", "report.html", "trials.parquet"):
        assert [key for key in keys if key.startswith(study) and key.endswith(name)]
    assert len([key for key in keys if "/journal/" in key]) == 2  # of the killed and the next
