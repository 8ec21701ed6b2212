"""Stores on an object store, against a server that speaks S3."""

import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rgm_bench.api import OpenStore
from rgm_bench.config.given_up import GivenUp, GivenUpUnit
from rgm_bench.errors import StoreError
from rgm_bench.results.given_up import GIVEN_UP, given_up_text
from rgm_bench.results.mirror import CHECKPOINT, LOG, RESULT
from rgm_bench.results.remote import Remote, working_folder
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View

CURVE = b'{"images": [1], "fidelity": [0.5]}'
ID, DIGEST = "a" * 16, "d" * 8


def outcome(**changes) -> Outcome:
    made = Outcome("training", ID, DIGEST, "ok", None, 64, {"images": 1}, cost={"seconds": 1.0})
    return replace(made, **changes)


@pytest.fixture
def elsewhere(bucket, tmp_path, monkeypatch):
    """Opens the store of a bucket as another machine would, in a folder of its own."""

    def open_there(name: str = "elsewhere") -> Store:
        monkeypatch.setenv("RGM_BENCH_CACHE", str(tmp_path / name))
        store = Store.at(f"s3://{bucket}/results")
        store.refresh()
        return store

    return open_there


@pytest.fixture
def store(elsewhere) -> Store:
    return elsewhere("here")


@pytest.fixture
def remote(bucket) -> Remote:
    return Remote(f"s3://{bucket}/results")


def files(store: Store) -> dict[str, bytes]:
    found = (path for path in store.root.rglob("[!.]*") if path.is_file())
    return {str(path.relative_to(store.root)): path.read_bytes() for path in found}


def finish(store: Store, made: Outcome, **others: bytes) -> None:
    folder = store.folder(made.kind, made.id, made.digest)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in others.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    assert store.commit(made)


# --- objects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["a%20b", "a?b", "a#b", "a b", "[ab]", "a*", "{a}", "café"])
def test_a_prefix_is_taken_as_it_is_written(bucket, object_store, tmp_path, prefix) -> None:
    """And what lies under another name that it would match as a pattern is left alone."""
    remote = Remote(f"s3://{bucket}/{prefix}")
    Remote(f"s3://{bucket}/ab").write("x/result.json", b"other")
    assert remote.create("x/result.json", b"one")
    assert not remote.create("x/result.json", b"two")
    assert remote.read("x/result.json") == b"one"
    assert list(remote.list()) == ["x/result.json"]
    (tmp_path / "x").mkdir()
    assert remote.download(["x/result.json"], tmp_path)
    assert (tmp_path / "x/result.json").read_bytes() == b"one"
    remote.upload(tmp_path / "x/result.json", "y")
    assert sorted(object_store.keys(bucket)) == sorted(
        ["ab/x/result.json", f"{prefix}/x/result.json", f"{prefix}/y"]
    )
    remote.remove("y")
    assert list(remote.list()) == ["x/result.json"]


def test_of_several_creators_exactly_one_wins(remote) -> None:
    won: list[bytes] = []

    def create(content: bytes) -> None:
        if remote.create("a/b", content):
            won.append(content)

    threads = [threading.Thread(target=create, args=[b"%d" % number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert remote.read("a/b") == won[0]


def test_a_creation_whose_answer_was_lost_finds_itself(remote) -> None:
    assert remote.create("a", b"mine")
    assert remote.create("a", b"mine")
    assert not remote.create("a", b"another's")


def test_a_creation_that_met_another_is_tried_again(remote, object_store) -> None:
    object_store.conflicts = 2
    assert remote.waiting(60).create("a", b"mine")
    assert remote.read("a") == b"mine"
    object_store.conflicts = 1
    assert not remote.waiting(60).create("a", b"another's")
    assert object_store.conflicts == 0


def test_a_download_is_whole_or_says_that_one_is_gone(remote, tmp_path) -> None:
    remote.write("a", b"1")
    assert not remote.download(["a", "b"], tmp_path)
    assert remote.download(["a"], tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"1"


def test_what_was_removed_is_gone_and_removing_it_again_is_fine(remote) -> None:
    remote.write("a", b"1")
    remote.remove("a")
    remote.remove("a")
    assert remote.read("a") is None
    assert remote.list() == {}


def test_what_one_machine_gave_up_another_goes_on_without(elsewhere, sweep) -> None:
    study, here = sweep(), elsewhere("here")
    folder = here.claim_study_folder(study)
    assert View(here).given_up(study) == GivenUp()
    for given_up in (GivenUp({ID: GivenUpUnit("planted", 64)}), GivenUp()):
        here.replace(folder / GIVEN_UP, given_up_text(given_up))
        assert View(elsewhere("there")).given_up(study) == given_up


# --- stores that are refused ------------------------------------------------------------------


def refused(uri: str) -> str:
    with pytest.raises(StoreError) as caught:
        Store.at(uri).refresh()
    return str(caught.value)


def test_a_store_that_cannot_be_is_refused_in_a_sentence(bucket) -> None:
    assert "s3://no-such-bucket/x: The specified bucket does not exist; make" in refused(
        "s3://no-such-bucket/x"
    )
    assert "names no bucket; expected one such as s3://bucket/prefix" in refused("s3://")
    for uri in ("s4://bucket/x", "memory://x/y", "hdfs://host/x", "simplecache::s3://bucket/x"):
        assert f"{uri}: not a URI of a store; expected one such as s3://bucket" in refused(uri)
    with pytest.raises(StoreError, match="there is no store here"):
        Store.open(f"s3://{bucket}/nothing")


def test_a_server_that_is_not_there_is_named(bucket, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    text = refused(f"s3://{bucket}/x")
    assert "http://127.0.0.1:9" in text
    assert "check the network and the endpoint" in text


def test_credentials_that_are_refused_are_named(bucket, object_store, monkeypatch) -> None:
    monkeypatch.setattr(object_store, "allowed", ["another"])
    text = refused(f"s3://{bucket}/x")
    assert "access was refused (Access Denied); check the credentials" in text


@pytest.fixture
def no_variables(monkeypatch, tmp_path) -> Path:
    """A home of its own, and no credentials in the environment or from the machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # for boto3
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")  # for obstore
    return tmp_path


def test_credentials_that_are_missing_are_named(bucket, no_variables) -> None:
    text = refused(f"s3://{bucket}/x")
    assert "no credentials were found; for S3 set AWS_ACCESS_KEY_ID" in text


def test_credentials_are_read_from_the_home_folder(bucket, no_variables) -> None:
    (no_variables / ".aws").mkdir()
    (no_variables / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id = key\naws_secret_access_key = secret\n"
    )
    assert Remote(f"s3://{bucket}/x").create("a", b"1")


def test_a_server_that_overwrites_is_refused_and_left_as_it_was(
    remote, object_store, monkeypatch
) -> None:
    monkeypatch.setattr(object_store, "careless", True)
    with pytest.raises(StoreError, match="written over by one that was to be created only where"):
        remote.prove()
    assert remote.list() == {}


def test_an_object_that_no_command_can_have_made_is_named(remote, object_store, bucket) -> None:
    object_store.client().put_object(Bucket=bucket, Key="results/a/../b", Body=b"")
    with pytest.raises(StoreError, match=r"results/a/\.\./b.*; remove that object"):
        remote.list()


def test_a_large_object_comes_back_as_it_was(remote, tmp_path) -> None:
    file = tmp_path / "snapshot"
    file.write_bytes(bytes(range(256)) * 2**16)  # 16 MiB: more than one part
    remote.upload(file, "a/snapshot")
    (tmp_path / "a").mkdir()
    assert remote.download(["a/snapshot"], tmp_path)
    assert (tmp_path / "a" / "snapshot").read_bytes() == file.read_bytes()


def test_a_store_that_can_be_used_is_left_as_it_was(store, remote) -> None:
    store.prepare()
    assert remote.list() == {}


# --- results ----------------------------------------------------------------------------------


def test_what_one_machine_finishes_another_has(store, elsewhere) -> None:
    finish(store, outcome(), curve_json=b"{}", log_txt=b"done")
    other = elsewhere()
    assert other.outcome("training", ID) == outcome()
    assert list(files(other)) == [f"trainings/{ID}/{DIGEST}/{RESULT}"]
    curve = other.folder("training", ID, DIGEST) / "curve.json"
    assert not curve.exists()
    assert other.fetched(curve).read_bytes() == b"{}"
    assert not other.fetched(curve.with_name("grid.png")).exists()


def test_the_first_commit_wins_and_the_loser_has_the_winners(store, elsewhere) -> None:
    other = elsewhere()
    assert other.commit(outcome(images=1, cost={"seconds": 2.0}))
    assert not store.commit(outcome(images=1))
    assert store.outcome("training", ID) == other.outcome("training", ID)


def test_more_images_take_the_place_of_fewer(store, elsewhere) -> None:
    spec = {"images": 64}
    assert store.commit(outcome(images=16, spec=spec))
    other = elsewhere()
    assert other.commit(outcome(images=64, spec=spec))
    assert not store.commit(outcome(images=32, spec=spec))
    store.refresh()
    assert store.outcome("training", ID) == outcome(images=64, spec=spec)


def test_refreshing_again_changes_and_copies_nothing(store, elsewhere, object_store) -> None:
    for number in range(20):
        finish(store, outcome(id=f"{number:016x}"))
    other = elsewhere()
    before = files(other)
    assert len(before) == 20
    object_store.requests.clear()
    other.refresh()
    assert files(other) == before
    assert [method for method, _ in object_store.requests] == ["GET"]  # the listing


def test_results_that_go_away_or_change_there_do_so_here(store, elsewhere) -> None:
    finish(store, outcome(), curve_json=b"old")
    finish(store, outcome(id="b" * 16), curve_json=b"other")
    other = elsewhere()
    for unit in (ID, "b" * 16):
        other.fetched(other.folder("training", unit, DIGEST) / "curve.json")
    store.forget("training", ID)
    store.forget("training", "b" * 16)
    finish(store, outcome(id="b" * 16, cost={"seconds": 3.0}), curve_json=b"new")
    other.refresh()
    assert other.outcome("training", ID) is None
    assert not list(other.root.glob(f"trainings/{ID}/*"))
    found = other.outcome("training", "b" * 16)
    assert found is not None
    assert found.cost == {"seconds": 3.0}
    curve = other.folder("training", "b" * 16, DIGEST) / "curve.json"
    assert other.fetched(curve).read_bytes() == b"new"  # not what lay beside the old result


def test_a_unit_is_fetched_as_it_is_there(store, elsewhere) -> None:
    finish(store, outcome())
    other = elsewhere()
    store.forget("training", ID)
    other.fetch("training", ID, DIGEST, RESULT)
    assert other.outcome("training", ID) is None
    finish(store, outcome(cost={"seconds": 4.0}))
    other.fetch("training", ID, DIGEST, RESULT)
    assert other.outcome("training", ID) == outcome(cost={"seconds": 4.0})


def test_a_checkpoint_is_taken_where_it_is_newer(store, elsewhere) -> None:
    folder = store.folder("training", ID, DIGEST)
    folder.mkdir(parents=True)
    (folder / CHECKPOINT).write_bytes(b"1")
    store.upload([folder / CHECKPOINT])
    (folder / CHECKPOINT).write_bytes(b"22")  # and killed before it was uploaded
    store.fetch("training", ID, DIGEST, RESULT, CHECKPOINT)
    assert (folder / CHECKPOINT).read_bytes() == b"22"
    other = elsewhere()
    other.fetch("training", ID, DIGEST, RESULT, CHECKPOINT)
    assert (other.folder("training", ID, DIGEST) / CHECKPOINT).read_bytes() == b"1"


def test_a_log_that_is_being_written_here_is_kept(store, elsewhere) -> None:
    folder = store.folder("training", ID, DIGEST)
    folder.mkdir(parents=True)
    (folder / LOG).write_bytes(b"one\n")
    store.upload([folder / LOG])
    assert (elsewhere().folder("training", ID, DIGEST) / LOG).read_bytes() == b"one\n"
    (folder / LOG).write_bytes(b"one\ntwo\n")
    store.refresh()
    assert (folder / LOG).read_bytes() == b"one\ntwo\n"


def test_names_that_no_store_has_are_left_alone(store, object_store, bucket) -> None:
    client = object_store.client()
    for key in (
        "",  # a prefix that was made as a folder
        f"trainings/%2e%2e/{DIGEST}/{RESULT}",
        f"trainings/{ID}/{DIGEST}/x/{RESULT}",
        "studies/a/b/journal/.x.jsonl",
    ):
        client.put_object(Bucket=bucket, Key=f"results/{key}", Body=b"{}")
    store.refresh()
    assert files(store) == {}


def test_a_folder_that_was_deleted_comes_back_as_it_was(store, tmp_path) -> None:
    for number in range(3):
        finish(store, outcome(id=f"{number:016x}", images=number), curve_json=CURVE)
    curves = OpenStore(store).curves()
    assert len(curves) == 3
    shutil.rmtree(store.root)
    store.refresh()
    assert OpenStore(store).curves().equals(curves)
    assert [found.images for found in store.outcomes("training")] == [0, 1, 2]
    assert View(store, "ignore").curve(f"{1:016x}") == json.loads(CURVE)


def test_the_newest_of_several_results_is_the_same_on_every_machine(store, elsewhere) -> None:
    finish(store, outcome(digest="e" * 8, images=1))
    time.sleep(1.1)  # listings tell whole seconds
    finish(store, outcome(digest="c" * 8, images=2))
    for machine in (store, elsewhere()):
        newest = machine.outcome("training", ID)
        assert newest is not None
        assert newest.digest == "c" * 8


def test_a_study_is_claimed_once(store, elsewhere, sweep) -> None:
    study = sweep(weights=(0,), seeds=(0,), shares=(1.0,))
    edited = replace(study, resolved={**study.resolved, "title": "Another"})
    other = elsewhere()
    claimed = store.claim_study_folder(study)
    assert claimed == store.root / "studies" / study.name / study.profile
    taken = other.claim_study_folder(edited)  # which has not seen that the name is taken
    assert taken.name == f"{study.profile}-{edited.digest}"
    kept = other.root / "studies" / study.name / study.profile / "study.json"
    assert json.loads(kept.read_bytes()) == study.resolved


def test_a_journal_is_copied_while_it_grows(store, elsewhere, monkeypatch) -> None:
    from rgm_bench.results.journal import Journal, read_journal

    monkeypatch.setattr("rgm_bench.results.mirror.COPY_SECONDS", 0.05)
    folder = store.root / "studies" / "s" / "laptop" / "journal"
    journal = Journal(folder)
    with store.copying(journal.path):
        journal.append("started")
    journal.close()
    other = elsewhere()
    (event,) = read_journal(other.root / "studies" / "s" / "laptop" / "journal")
    assert event["event"] == "started"
    store.refresh()
    assert journal.path.exists()


def test_the_folder_of_a_store_is_told_from_that_of_another(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("RGM_BENCH_CACHE", str(tmp_path))
    one, two = working_folder("s3://bucket/a-b"), working_folder("s3://bucket/a/b")
    assert one != two
    assert one.parent == tmp_path / "stores"
    assert one.name.startswith("bucket-a-b-")
    monkeypatch.delenv("RGM_BENCH_CACHE")
    assert working_folder("s3://x/y").parent == Path.home() / ".cache/rgm-bench/stores"


# --- a server that goes away ------------------------------------------------------------------


def test_a_server_that_comes_back_is_waited_for(bucket, object_store, tmp_path) -> None:
    patient = Remote(f"s3://{bucket}/results", patience_seconds=60)
    patient.write("a", b"1")
    object_store.stop()
    back = threading.Timer(3.0, object_store.start)
    back.start()
    try:
        patient.write("a", b"2")
    finally:
        back.join()
    assert patient.read("a") == b"2"
