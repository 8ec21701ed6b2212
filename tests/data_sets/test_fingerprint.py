"""A fingerprint is the content of the pictures, and read again only when they have changed."""

import os
from pathlib import Path

import pytest

from rgm_bench.data import fingerprint
from rgm_bench.data.fingerprint import file_digest, folder_fingerprint


@pytest.fixture
def pictures(root: Path) -> Path:
    folder = root / "cats/train"
    folder.mkdir(parents=True)
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read since; what has just been written counts as settled."""
    seen: list[Path] = []

    def seen_digest(path: Path) -> bytes:
        seen.append(path)
        return file_digest(path)

    monkeypatch.setattr(fingerprint, "file_digest", seen_digest)
    monkeypatch.setattr(fingerprint, "SETTLED_SECONDS", -10.0)
    return seen


def test_it_is_that_of_earlier_versions(pictures: Path):
    """Ids of studies hold it. By hand: sha256 of `path NUL sha256 of the file NUL`, for each."""
    assert folder_fingerprint(pictures) == "cc1ac77a6225e319"


def test_files_that_have_not_changed_are_not_read_again(pictures: Path, read: list[Path]):
    first = folder_fingerprint(pictures)
    assert len(read) == 2
    assert folder_fingerprint(pictures) == first
    assert len(read) == 2


def test_a_change_that_leaves_size_and_time_alone_is_seen(pictures: Path, read: list[Path]):
    first, before = folder_fingerprint(pictures), (pictures / "a.png").stat()
    (pictures / "a.png").write_bytes(b"A.png")
    os.utime(pictures / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert folder_fingerprint(pictures) != first


def test_what_was_written_a_moment_ago_is_read_again(
    pictures: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fingerprint, "SETTLED_SECONDS", 3600.0)
    folder_fingerprint(pictures)
    folder_fingerprint(pictures)
    assert len(read) == 4


@pytest.mark.parametrize("content", [b"", b"[]", b'{"seen": 1}', b"\xff"])
def test_a_damaged_note_is_passed_over(pictures: Path, read: list[Path], content: bytes):
    first = folder_fingerprint(pictures)
    (note,) = (pictures.parents[1] / "fingerprints").iterdir()
    note.write_bytes(content)
    assert folder_fingerprint(pictures) == first
    assert len(read) == 4


def test_a_data_root_that_cannot_be_written_costs_time_only(pictures: Path, read: list[Path]):
    (pictures.parents[1] / "fingerprints").write_bytes(b"a file")
    assert folder_fingerprint(pictures) == folder_fingerprint(pictures)
    assert len(read) == 4


def test_a_name_that_is_not_utf_8_has_one(pictures: Path):
    first = folder_fingerprint(pictures)
    Path(os.fsdecode(os.fsencode(pictures) + b"/caf\xe9.png")).write_bytes(b"")
    assert folder_fingerprint(pictures) != first
