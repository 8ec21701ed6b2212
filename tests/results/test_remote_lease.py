"""Leases on an object store, against a server that speaks S3."""

import json
import threading
import time

import pytest

from rgm_bench.results import lease, remote_lease
from rgm_bench.results.lease import Lease, Progress
from rgm_bench.results.remote import Remote
from rgm_bench.results.remote_lease import acquire, is_held, running

UNIT = "a" * 16
FIRST = f"leases/{UNIT}/1.json"


@pytest.fixture
def remote(bucket) -> Remote:
    return Remote(f"s3://{bucket}/results")


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(remote_lease, "REMOTE_HEARTBEAT_SECONDS", 0.05)


def move_elsewhere(remote: Remote, path: str, *, silent_for: float = 0.0) -> None:
    """Make a lease that of a process on another machine, which this one has heard of before."""
    held = json.loads(remote.read(path) or b"") | {"host": "elsewhere"}
    remote.write(path, json.dumps(held).encode())
    progress = Progress(**held)
    heard = progress.heartbeat, time.monotonic() - silent_for
    lease._heard[(progress.id, *lease.owner(progress))] = heard


def test_one_lease_at_a_time_with_progress(remote) -> None:
    lease = acquire(remote, "training", UNIT)
    assert lease is not None
    with lease:
        assert acquire(remote, "training", UNIT) is None
        assert is_held(remote, UNIT)
        lease.update(0, 100)
        lease.update(50, 100)
        deadline = time.monotonic() + 60
        while not (found := running(remote)) or found[0].images_seen != 50:
            assert time.monotonic() < deadline
    assert (found[0].id, found[0].images) == (UNIT, 100)
    assert running(remote) == []
    assert remote.list() == {}
    assert acquire(remote, "training", UNIT) is not None


def test_of_several_at_once_at_most_one_gets_it(remote) -> None:
    got: list[Lease] = []

    def take() -> None:
        lease = acquire(remote, "training", UNIT)
        if lease is not None:
            got.append(lease)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) <= 1
    if not got:  # all of them saw each other, and gave back
        got = [lease for lease in [acquire(remote, "training", UNIT)] if lease is not None]
    assert len(got) == 1
    assert len(remote.list()) == 1


def test_a_lease_of_another_machine_is_taken_over_only_after_silence(remote) -> None:
    acquire(remote, "training", UNIT)
    move_elsewhere(remote, FIRST, silent_for=30)
    assert acquire(remote, "training", UNIT) is None
    move_elsewhere(remote, FIRST, silent_for=90)
    assert not is_held(remote, UNIT)
    assert running(remote) == []
    assert acquire(remote, "training", UNIT) is not None
    assert list(remote.list()) == [f"leases/{UNIT}/2.json"]
    assert acquire(remote, "training", UNIT) is None


def test_a_holder_that_was_taken_over_notices_and_leaves_the_taker_alone(remote) -> None:
    lost = acquire(remote, "training", UNIT)
    assert lost is not None
    move_elsewhere(remote, FIRST, silent_for=90)
    taker = acquire(remote, "training", UNIT)
    assert taker is not None
    with lost:
        time.sleep(0.5)  # several heartbeats
    assert list(remote.list()) == [f"leases/{UNIT}/2.json"]
    assert is_held(remote, UNIT)


def test_a_new_first_lease_gives_way_to_a_dead_later_one(remote) -> None:
    acquire(remote, "training", UNIT)
    move_elsewhere(remote, FIRST, silent_for=90)
    acquire(remote, "training", UNIT)
    move_elsewhere(remote, f"leases/{UNIT}/2.json", silent_for=90)
    assert acquire(remote, "training", UNIT) is not None
    assert list(remote.list()) == [f"leases/{UNIT}/3.json"]


def test_half_a_lease_is_nobodys(remote) -> None:
    remote.write(FIRST, b'{"kind": "trai')
    assert not is_held(remote, UNIT)
    assert acquire(remote, "training", UNIT) is not None
