"""Files that one process alone creates, also where a file has no second name."""

import errno
import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from rgm_bench.errors import StoreError
from rgm_bench.results.files import create_whole
from rgm_bench.results.lease import Lease

CREATORS = 8


def no_links(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def create_all(root: str, number: int) -> list[int]:
    """Try to create each of many files; the names of those that this process created."""
    content = bytes([number]) * 4096
    return [each for each in range(100) if create_whole(Path(root, f"{each}/result"), content)]


@pytest.mark.process
def test_the_first_of_many_processes_wins_where_there_are_no_hard_links(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)  # the forked processes have none either
    with get_context("fork").Pool(CREATORS) as pool:
        won = pool.starmap(create_all, [(str(tmp_path), number) for number in range(CREATORS)])
    assert sorted(each for some in won for each in some) == list(range(100))
    for number, files in enumerate(won):
        for each in files:
            folder = tmp_path / str(each)
            assert (folder / "result").read_bytes() == bytes([number]) * 4096
            assert sorted(path.name for path in folder.iterdir()) == [".lock", "result"]


def test_the_first_wins_where_there_are_no_hard_links(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    assert create_whole(tmp_path / "result", b"one")
    assert not create_whole(tmp_path / "result", b"two")
    assert (tmp_path / "result").read_bytes() == b"one"


def test_a_unit_is_leased_once_where_there_are_no_hard_links(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    lease = Lease.acquire(tmp_path, "training", "a" * 16)
    assert lease is not None
    with lease:
        assert Lease.acquire(tmp_path, "training", "a" * 16) is None
    assert Lease.acquire(tmp_path, "training", "a" * 16) is not None


def test_a_file_system_without_links_and_locks_is_named(tmp_path, monkeypatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(StoreError, match=r"cannot be locked \(No locks available\).* --store"):
        create_whole(tmp_path / "result", b"")
    assert not (tmp_path / "result").exists()
