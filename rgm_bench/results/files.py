"""Files that are either whole or not there, and files that only one process can create."""

import errno
import fcntl
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rgm_bench.errors import StoreError


def write_whole(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write beside `path`, then rename: readers see the old content or all of the new one.

    Args:
        path: of the file.
        content: all of it.
        lasting: whether it has to survive a loss of power, for which the disk is waited for.

    Raises:
        StoreError: the folder cannot be written, or its disk is full.
    """
    written = _write_beside(path, content, lasting=lasting)
    try:
        written.replace(path)
    except OSError as error:
        written.unlink()
        raise StoreError(explain(error, path)) from error


def create_whole(path: Path, content: bytes, *, lasting: bool = True) -> bool:
    """Write `path` unless it exists; among several processes exactly one is told True.

    Args:
        path: of the file.
        content: all of it.
        lasting: as in `write_whole`.

    Raises:
        StoreError: the folder cannot be written, or its disk is full.
    """
    written = _write_beside(path, content, lasting=lasting)
    try:
        os.link(written, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise StoreError(explain(error, path)) from error
        return _create_alone(written, path)
    finally:
        written.unlink(missing_ok=True)
    return True


_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
_LOCK = ".lock"


def _create_alone(written: Path, path: Path) -> bool:
    """Rename, unless `path` exists: where a file has no second name, creators take turns.

    So it is on exFAT and on many FUSE and SMB mounts.
    """
    with locked(path.parent):
        if path.exists():
            return False
        try:
            written.replace(path)
        except OSError as error:
            raise StoreError(explain(error, path)) from error
        return True


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep others out of this block, on all machines that lock this file system together.

    Raises:
        StoreError: the file system has no locks, or the folder cannot be written.
    """
    try:
        # of a file open for writing: network file systems lock nothing else, and no folders
        lock = (folder / _LOCK).open("ab")
    except OSError as error:
        raise StoreError(explain(error, folder)) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreError(
                f"{folder}: files of this file system cannot be locked ({error.strerror}), so two "
                "commands could write over each other; choose another store with --store"
            ) from error
        yield


def _write_beside(path: Path, content: bytes, *, lasting: bool) -> Path:
    written = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written.open("wb") as file:
            file.write(content)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            written.unlink(missing_ok=True)
        raise StoreError(explain(error, path.parent)) from error
    return written


_NO_SPACE = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def is_of_the_disk(error: OSError) -> bool:
    """Whether a disk has no space or takes no writes, whatever was being written."""
    return error.errno in (*_NO_SPACE, errno.EROFS)


def explain(error: OSError, folder: Path) -> str:
    """What an operating system's error means for whoever ran the command."""
    if error.errno in _NO_SPACE:
        what = _NO_SPACE[error.errno]
        return f"{folder}: {what}; free some space, then run the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{folder}: cannot be written ({error.strerror}); choose another store with --store"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{folder}: is not a folder; choose another store with --store"
    return f"{folder}: {error.strerror or error}; choose another store with --store"


def to_json(value: Mapping[str, Any]) -> bytes:
    """Readable JSON text that ends in a newline; not-a-number is refused."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


@final
@dataclass(frozen=True)
class Listed:
    """A file in a listing: `stamp` changes with its content, `modified` is a Unix time."""

    stamp: str
    size: int
    modified: float


def listed(folder: Path, *, leave: str) -> dict[Path, Listed]:
    """All files below a folder by their paths, but those in its folder `leave`.

    Links are not followed, and what goes away meanwhile is not in it.
    """
    found: dict[Path, Listed] = {}
    for place, folders, names in os.walk(folder):
        folders.sort()
        if Path(place) == folder:
            folders[:] = [name for name in folders if name != leave]
        for path in (Path(place, name) for name in sorted(names)):
            with suppress(FileNotFoundError):
                status = path.lstat()
                stamp = f"{status.st_ino} {status.st_mtime_ns}"
                found[path] = Listed(stamp, status.st_size, status.st_mtime)
    return found
