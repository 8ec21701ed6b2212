import json
import os
import pickle
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rgm_bench.errors import DamagedError, StoreError
from rgm_bench.results import code
from rgm_bench.results import lease as lease_module
from rgm_bench.results.code import code_digest, meaning
from rgm_bench.results.files import create_whole, write_whole
from rgm_bench.results.journal import Journal, read_journal
from rgm_bench.results.lease import (
    EXPIRY_SECONDS,
    Lease,
    is_held,
    read_progress,
    running,
    silent,
)
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View


def outcome(**changes) -> Outcome:
    made = Outcome(
        "training", "a" * 16, "d" * 8, "ok", None, 64, {"seed": 0, "images": 1}, cost={"seconds": 1}
    )
    return replace(made, **changes)


def test_an_outcome_comes_back_as_it_went(tmp_path) -> None:
    store = Store(tmp_path)
    whole = outcome(metrics={"fid.x.n10": 1 / 3}, provenance={"device": "cpu"})
    assert store.commit(whole)
    assert store.outcome("training", whole.id, whole.digest) == whole
    assert store.outcome("evaluation", whole.id) is None


def test_a_gap_comes_back_and_results_without_one_are_written_as_before(tmp_path) -> None:
    store = Store(tmp_path)
    with_gap = outcome(id="b" * 16, gaps={"kid.x.n10": "it overflows"})
    for each, has_gaps in ((outcome(), False), (with_gap, True)):
        store.commit(each)
        path = store.folder("training", each.id, each.digest) / "result.json"
        assert ("gaps" in json.loads(path.read_text())) is has_gaps
        assert store.outcome("training", each.id, each.digest) == each


def test_the_first_commit_wins(tmp_path) -> None:
    store = Store(tmp_path)
    assert store.commit(outcome(images=1))
    assert not store.commit(outcome(images=2))
    found = store.outcome("training", "a" * 16)
    assert found is not None
    assert found.images == 1


def test_only_more_of_a_training_takes_the_place_of_less(tmp_path) -> None:
    store, spec = Store(tmp_path), {"images": 8}
    for images, wins in ((2, True), (2, False), (4, True), (2, False), (8, True), (4, False)):
        assert store.commit(replace(outcome(images=images), spec=spec)) == wins
    kept = store.outcome("training", outcome().id)
    assert kept is not None
    assert (kept.images, kept.is_part) == (8, False)


def test_among_many_threads_one_creates(tmp_path) -> None:
    won: list[int] = []

    def create(number: int) -> None:
        if create_whole(tmp_path / "x", str(number).encode()):
            won.append(number)

    threads = [threading.Thread(target=create, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert (tmp_path / "x").read_text() == str(won[0])
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_view_prefers_the_present_code_and_else_the_newest(tmp_path) -> None:
    store = Store(tmp_path)
    view, strict = View(store), View(store, "strict")
    store.commit(outcome(digest="0" * 8, images=1))
    os.utime(store.folder("training", "a" * 16, "0" * 8) / "result.json", (1, 1))
    store.commit(outcome(digest="1" * 8, images=2))
    found = view.outcome("training", "a" * 16)
    assert found is not None
    assert found.images == 2
    assert view.is_stale(found)
    assert strict.outcome("training", "a" * 16) is None
    store.commit(outcome(digest=view.digests["training"], images=3))
    found = view.outcome("training", "a" * 16)
    assert found is not None
    assert found.images == 3
    assert found == strict.outcome("training", "a" * 16)


def test_a_unit_is_found_by_the_start_of_its_id(tmp_path) -> None:
    store = Store(tmp_path)
    store.commit(outcome(id="abc1" * 4))
    store.commit(outcome(kind="evaluation", id="abd2" * 4))
    assert store.find("abd") == ("evaluation", "abd2" * 4)
    with pytest.raises(StoreError, match="2 units have ids that start with 'ab'"):
        store.find("ab")
    with pytest.raises(StoreError, match="no unit"):
        store.find("zzz")


def test_a_damaged_result_names_its_file_and_the_way_out(tmp_path) -> None:
    store = Store(tmp_path)
    store.commit(outcome())
    path = store.folder("training", "a" * 16, "d" * 8) / "result.json"
    path.write_text("{")
    with pytest.raises(DamagedError, match=r"result\.json is damaged.*`rgm-bench run`"):
        store.outcome("training", "a" * 16)
    path.write_text("{}")
    with pytest.raises(StoreError, match="not a result that this version"):
        store.outcome("training", "a" * 16)


def test_a_place_that_cannot_be_written_is_named(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another store with --store"):
        Store(tmp_path / "file" / "store").prepare()
    with pytest.raises(StoreError, match="there is no store here"):
        Store.open(tmp_path / "nowhere")


def test_a_full_disk_says_so_and_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    write_whole(tmp_path / "x", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        write_whole(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


# --- folders of studies -----------------------------------------------------------------------


def test_an_edited_study_has_a_folder_of_its_own(tmp_path, sweep) -> None:
    store, study = Store(tmp_path), sweep()
    plain = store.claim_study_folder(study)
    assert plain == tmp_path / "studies" / study.name / study.profile
    assert store.claim_study_folder(study) == plain
    edited = replace(study, resolved={**study.resolved, "title": "Another"})
    other = store.claim_study_folder(edited)
    assert other == plain.with_name(f"{study.profile}-{edited.digest}")
    assert store.study_folder(edited) == other
    assert store.study_folder(study) == plain


# --- leases -----------------------------------------------------------------------------------


def test_one_lease_at_a_time_with_progress(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("rgm_bench.results.lease.HEARTBEAT_SECONDS", 0.01)
    lease = Lease.acquire(tmp_path, "training", "u")
    assert lease is not None
    with lease:
        assert Lease.acquire(tmp_path, "training", "u") is None
        lease.update(0, 100)
        lease.update(50, 100)
        time.sleep(0.1)
        (progress,) = running(tmp_path)
        assert (progress.images_seen, progress.images) == (50, 100)
        assert progress.images_per_second > 0
    assert running(tmp_path) == []
    assert Lease.acquire(tmp_path, "training", "u") is not None


LEASE_AND_DIE = (
    "import os, pathlib, sys; from rgm_bench.results.lease import Lease;"
    "Lease.acquire(pathlib.Path(sys.argv[1]), 'training', 'u'); os._exit(9)"
)


def test_the_lease_of_a_dead_process_is_taken_over(tmp_path) -> None:
    subprocess.run([sys.executable, "-c", LEASE_AND_DIE, str(tmp_path)], check=False)
    assert (tmp_path / "u.json").exists()
    assert running(tmp_path) == []
    assert Lease.acquire(tmp_path, "training", "u") is not None


def test_of_many_that_take_over_a_dead_lease_one_gets_it(tmp_path) -> None:
    subprocess.run([sys.executable, "-c", LEASE_AND_DIE, str(tmp_path)], check=False)
    got: list[Lease] = []

    def take() -> None:
        lease = Lease.acquire(tmp_path, "training", "u")
        if lease is not None:
            got.append(lease)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["u.json"]


def test_the_lease_of_a_zombie_is_taken_over(tmp_path) -> None:
    child = subprocess.Popen([sys.executable, "-c", LEASE_AND_DIE, str(tmp_path)])
    while not (tmp_path / "u.json").exists() or psutil.Process(child.pid).status() != "zombie":
        time.sleep(0.01)
    assert running(tmp_path) == []
    assert Lease.acquire(tmp_path, "training", "u") is not None
    child.wait()


def test_a_journal_on_a_full_disk_says_so(tmp_path, monkeypatch) -> None:
    journal = Journal(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        journal.append("submitted", unit="a")


@pytest.mark.parametrize("ahead", [-86_400.0, 0.0, 86_400.0])
@pytest.mark.parametrize("elsewhere", [{"host": "elsewhere"}, {"namespace": "pid:[1]"}])
def test_a_lease_of_another_machine_is_judged_by_the_clock_of_its_reader(
    tmp_path, monkeypatch, elsewhere, ahead
) -> None:
    """Whatever the other's clock says: it lives as long as its heartbeats change."""
    now = 1000.0
    monkeypatch.setattr(lease_module.time, "monotonic", lambda: now)
    unit = f"u{ahead:g}"
    Lease.acquire(tmp_path, "training", unit)
    path = tmp_path / f"{unit}.json"
    held = json.loads(path.read_text()) | elsewhere
    for beat in range(3):
        path.write_text(json.dumps(held | {"heartbeat": time.time() + ahead + beat}))
        assert is_held(tmp_path, unit)
        now += EXPIRY_SECONDS - 1
        assert Lease.acquire(tmp_path, "training", unit) is None
        assert len(running(tmp_path)) == 1
    now += 2
    assert not is_held(tmp_path, unit)
    assert running(tmp_path) == []
    assert Lease.acquire(tmp_path, "training", unit) is not None


LOOK_OR_TAKE = (
    "import pathlib, pickle, sys; from rgm_bench.results.lease import Lease, believe;"
    "believe(pickle.loads(bytes.fromhex(sys.argv[2])));"
    "sys.exit(Lease.acquire(pathlib.Path(sys.argv[1]), 'training', 'w') is None)"
)


def test_a_worker_takes_over_whom_its_driver_has_seen_silent(tmp_path, monkeypatch) -> None:
    now = 1000.0
    Lease.acquire(tmp_path, "training", "w")
    path = tmp_path / "w.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"host": "elsewhere"}))
    monkeypatch.setattr(lease_module.time, "monotonic", lambda: now)
    for expected in (1, 0):
        is_held(tmp_path, "w")
        told = pickle.dumps(silent("w")).hex()
        command = [sys.executable, "-c", LOOK_OR_TAKE, str(tmp_path), told]
        assert subprocess.run(command, check=False).returncode == expected
        now += EXPIRY_SECONDS + 1


@pytest.mark.parametrize("left", ["of the dead", "cut off"])
def test_a_lease_that_comes_while_another_is_taken_away_stays(tmp_path, monkeypatch, left) -> None:
    path = tmp_path / "u.json"
    subprocess.run([sys.executable, "-c", LEASE_AND_DIE, str(tmp_path)], check=False)
    if left == "cut off":
        path.write_bytes(path.read_bytes()[:20])
    real = lease_module._take_away

    def overtaken(path: Path, abandoned: bytes) -> None:
        """Another process takes the lease between our look at it and its removal."""
        monkeypatch.setattr(lease_module, "_take_away", real)
        assert Lease.acquire(tmp_path, "training", "u") is not None
        real(path, abandoned)

    monkeypatch.setattr(lease_module, "_take_away", overtaken)
    assert Lease.acquire(tmp_path, "training", "u") is None
    assert len(running(tmp_path)) == 1


def test_a_lease_that_was_given_back_meanwhile_is_not_taken_from_the_next(
    tmp_path, monkeypatch
) -> None:
    held = Lease.acquire(tmp_path, "training", "u")
    assert held is not None
    real = lease_module._content

    def gone(path: Path) -> bytes | None:
        """It is given back before we look, and another takes it after."""
        monkeypatch.setattr(lease_module, "_content", real)
        path.unlink()
        found = real(path)
        assert Lease.acquire(tmp_path, "training", "u") is not None
        return found

    monkeypatch.setattr(lease_module, "_content", gone)
    assert Lease.acquire(tmp_path, "training", "u") is None
    assert len(running(tmp_path)) == 1


def test_half_a_lease_is_nobodys(tmp_path) -> None:
    (tmp_path / "u.json").write_text('{"kind": "trai')
    assert read_progress(tmp_path / "u.json") is None
    assert Lease.acquire(tmp_path, "training", "u") is not None


# --- journal ----------------------------------------------------------------------------------


def test_a_journal_survives_a_line_cut_off(tmp_path) -> None:
    journal = Journal(tmp_path)
    journal.append("submitted", unit="a")
    journal.append("ok", unit="a")
    journal.close()
    (segment,) = tmp_path.iterdir()
    with segment.open("ab") as file:
        file.write(b'{"event": "ok", "uni')
    assert [event["event"] for event in read_journal(tmp_path)] == ["submitted", "ok"]


# --- code -------------------------------------------------------------------------------------


def test_words_do_not_change_the_meaning_of_code() -> None:
    source = '"""A."""\n\n\ndef f(x):\n    """B."""\n    return x + 1  # why\n'
    same = "def f(x): return (x +\n   1)\n"
    assert meaning(source) == meaning(same)
    assert meaning(source) != meaning(same.replace("1", "2"))


@pytest.fixture
def copied_package(tmp_path, monkeypatch) -> Path:
    """A copy of the package's sources to change, as what the digests are taken of."""
    import shutil

    copy = tmp_path / "rgm_bench"
    shutil.copytree(code.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    ("file", "training", "evaluation"),
    [
        ("objectives.py", True, True),
        ("models/ncsnpp.py", True, True),
        ("config/spec/training.py", True, True),
        ("execution/device.py", True, True),
        ("sampling/restoration.py", False, True),
        ("metrics/fidelity.py", False, True),
        ("metrics/train_extractor.py", False, False),
        ("report/tables.py", False, False),
        ("config/load.py", False, False),
    ],
)
def test_a_digest_changes_with_the_code_it_is_of(
    copied_package, file, training, evaluation
) -> None:
    fresh = code_digest.__wrapped__
    before = fresh("training"), fresh("evaluation")
    path = copied_package / file
    path.write_text(path.read_text() + "\n# a remark\n")
    assert (fresh("training"), fresh("evaluation")) == before
    path.write_text(path.read_text() + "\nX_ADDED = 1\n")
    changed = fresh("training") != before[0], fresh("evaluation") != before[1]
    assert changed == (training, evaluation)


def test_other_weights_of_an_extractor_are_other_code(copied_package) -> None:
    before = code_digest.__wrapped__("evaluation")
    path = copied_package / "metrics/weights/digits_cnn_v1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert code_digest.__wrapped__("evaluation") != before
