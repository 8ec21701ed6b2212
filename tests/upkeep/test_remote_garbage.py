"""What a store on an object store can do without, as any machine finds it."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rgm_bench.execution.base import Unit
from rgm_bench.plan import make_plan
from rgm_bench.results.store import Store, View
from rgm_bench.upkeep import garbage as upkeep
from rgm_bench.upkeep.garbage import Garbage, find_garbage, remove_garbage
from tests.upkeep.test_garbage import OTHER, finish, load

Machine = Callable[[str], View]


@pytest.fixture
def machine(bucket, tmp_path, monkeypatch) -> Machine:
    """Opens the store as a machine does, each of which has a folder of its own."""
    monkeypatch.setattr(upkeep, "RECENT_SECONDS", 0.0)

    def become(name: str) -> View:
        monkeypatch.setenv("RGM_BENCH_CACHE", str(tmp_path / name))
        return View(Store.at(f"s3://{bucket}/results"))

    return become


def units(view: View, seed: int) -> list[Unit]:
    return [planned.unit for planned in make_plan(load([seed]), view).units]


def run(view: View, seed: int) -> list[Path]:
    """A study with one seed, all of it finished on a machine; gives the folders of its units."""
    view.store.claim_study_folder(load([seed]))
    return [finish(view, unit).parent for unit in units(view, seed)]


def names(store: Store, found: list[Garbage]) -> dict[str, str]:
    return {str(each.path.relative_to(store.root)): each.why for each in found}


def test_units_that_no_study_of_any_machine_refers_to_go_and_no_others(
    machine, object_store, bucket
) -> None:
    run(machine("first"), 0)
    needed = set(object_store.keys(bucket))
    second = machine("second")
    folders = run(second, 7)
    shared = {unit.id for unit in units(second, 0)}  # real images have no seed of a training
    unneeded = {folder for folder in folders if folder.name not in shared}
    third = machine("third").store
    assert find_garbage(third) == []

    study = second.store.study_folder(load([7]))
    second.store.remove(study)
    found = find_garbage(third)
    assert set(names(third, found)) == {
        str(folder.relative_to(second.store.root)) for folder in unneeded
    }
    assert set(names(third, found).values()) == {"no study refers to it"}
    own = {key for key in object_store.keys(bucket) if key not in needed}
    sizes = {
        each["Key"]: each["Size"]
        for each in object_store.client().list_objects_v2(Bucket=bucket)["Contents"]
    }
    assert sum(each.num_bytes for each in found) == sum(sizes[key] for key in own)
    assert list(remove_garbage(third, found)) == found
    assert set(object_store.keys(bucket)) == needed
    assert find_garbage(third) == []
    second.store.refresh()
    assert not any(folder.exists() for folder in unneeded)


def test_a_study_that_another_machine_has_begun_meanwhile_counts(machine) -> None:
    here = machine("here").store
    here.refresh()
    run(machine("there"), 0)
    assert find_garbage(here) == []


def test_copies_of_this_machine_are_neither_garbage_nor_a_reason_to_keep(machine) -> None:
    first = machine("first")
    folders = run(first, 0)
    alone = finish(View(Store(first.store.root)), units(first, 7)[0])  # never uploaded
    second = machine("second").store
    second.remove(second.study_folder(load([0])))
    found = names(first.store, find_garbage(first.store))
    assert set(found) == {str(folder.relative_to(first.store.root)) for folder in folders}
    assert f"trainings/{alone.parent.name}" not in found


def test_what_another_machine_works_on_is_left_alone(machine, object_store, bucket) -> None:
    first, second = machine("first"), machine("second")
    held, begun, *_ = [folder for folder in run(first, 0) if folder.parent.name == "trainings"]
    first.store.remove(first.store.study_folder(load([0])))
    lease = first.store.lease("training", held.name)
    assert lease is not None
    with lease:
        found = find_garbage(second.store)
        assert f"trainings/{held.name}" not in names(second.store, found)
        later = first.store.lease("training", begun.name)  # after the list was made
        assert later is not None
        with later:
            removed = list(remove_garbage(second.store, found))
    assert len(removed) == len(found) - 1
    left = {key.split("/")[2] for key in object_store.keys(bucket)}
    assert left == {held.name, begun.name}


def test_what_was_written_just_now_may_be_of_a_study_whose_journal_is_on_its_way(
    machine, monkeypatch
) -> None:
    view = machine("here")
    folders = run(view, 0)
    view.store.remove(view.store.study_folder(load([0])))
    assert len(find_garbage(view.store)) == len(folders)
    monkeypatch.setattr(upkeep, "RECENT_SECONDS", 600.0)
    assert find_garbage(view.store) == []


def test_older_results_and_checkpoints_of_finished_trainings_go(
    machine, object_store, bucket
) -> None:
    view = machine("first")
    run(view, 0)
    unit = next(unit for unit in units(view, 0) if unit.kind == "training")
    time.sleep(1.1)  # listings tell whole seconds
    newer = view.store.folder("training", unit.id, view.digests["training"])
    older = finish(view, unit, OTHER)
    object_store.client().put_object(
        Bucket=bucket,
        Key=f"results/trainings/{unit.id}/{newer.name}/checkpoint.safetensors",
        Body=b"x" * 10,
    )
    there = machine("second").store
    found = find_garbage(there)
    assert names(there, found) == {
        f"trainings/{unit.id}/{older.name}": "a newer result is there",
        f"trainings/{unit.id}/{newer.name}/checkpoint.safetensors": (
            "checkpoint of a finished training"
        ),
    }
    list(remove_garbage(there, found))
    kept = [key for key in object_store.keys(bucket) if f"trainings/{unit.id}/" in key]
    assert kept == [f"results/trainings/{unit.id}/{newer.name}/result.json"]


LEASE_AND_DIE = (
    "import os, sys; from rgm_bench.results.store import Store;"
    "Store.at(sys.argv[1]).lease('training', 'a' * 16); os._exit(9)"
)


def test_what_dead_processes_left_goes(machine, object_store, bucket, monkeypatch) -> None:
    store = machine("here").store
    script = [sys.executable, "-c", LEASE_AND_DIE, str(store)]
    assert subprocess.run(script, check=False).returncode == 9
    probe = f".probe-{'0' * 32}"
    object_store.client().put_object(Bucket=bucket, Key=f"results/{probe}", Body=b"first")
    lease = f"leases/{'a' * 16}/1.json"
    assert set(names(store, find_garbage(store))) == {lease}
    monkeypatch.setattr(upkeep, "LEFT_OVER_SECONDS", -60.0)
    found = find_garbage(store)
    assert names(store, found) == dict.fromkeys((probe, lease), "left by a process that died")
    assert list(remove_garbage(store, found)) == found
    assert object_store.keys(bucket) == []
