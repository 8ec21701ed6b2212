"""Content in 16 hexadecimal digits, kept so that files which have not changed are not read again.

Imports neither torch nor numpy: a plan has to answer at once.
"""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rgm_bench.data.contents import Split
from rgm_bench.data.folder import picture_folder, shown
from rgm_bench.data.location import data_root, locate
from rgm_bench.errors import DataError

SETTLED_SECONDS = 2.0
"""How old the last change of files must be for their state to tell whether they change again:
clocks of file systems tick slowly."""


def image_folder_fingerprint(name: str, split: Split) -> str:
    """The content of an image folder.

    Raises:
        MissingDataError: the folder is missing or holds no pictures.
        DataError: a picture cannot be read.
    """
    return folder_fingerprint(locate("image_folder", name=name, split=split))


def folder_fingerprint(folder: Path) -> str:
    """The content of the pictures below a folder: their relative paths and bytes.

    Raises:
        DataError: a picture cannot be read.
    """
    return kept_fingerprint(
        folder, picture_folder(folder).files, lambda name: file_digest(folder / name)
    )


def kept_fingerprint(
    folder: Path, files: Mapping[str, os.stat_result], digest: Callable[[str], bytes]
) -> str:
    """The content of some files of a folder, read only if one has changed since the last time.

    A file has changed if its name, size or one of its times has: `ctime` among them, which no copy
    can take along. What was found is kept in `<data root>/fingerprints`, where that can be written.

    Args:
        folder: that holds them.
        files: the state of each, by its path below `folder`, in order.
        digest: of the content of one, by its path.
    """
    started = time.time()
    seen = _seen(files)
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    note = data_root() / "fingerprints" / f"{place}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept: Any = json.loads(note.read_text(encoding="ascii"))
        if kept["seen"] == seen:
            return str(kept["fingerprint"])
    found = fingerprint((name, digest(name)) for name in files)
    if all(state.st_ctime < started - SETTLED_SECONDS for state in files.values()):
        _keep(note, {"seen": seen, "fingerprint": found})
    return found


def fingerprint(digests: Iterable[tuple[str, bytes]]) -> str:
    """16 hexadecimal digits of names and digests of files, in their order."""
    whole = hashlib.sha256()
    for name, digest in digests:
        # A NUL cannot be part of a path, so no two folders share a text.
        whole.update(os.fsencode(name) + b"\0" + digest.hex().encode() + b"\0")
    return whole.hexdigest()[:16]


def file_digest(path: Path) -> bytes:
    """The sha256 of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read: {error.strerror}; allow reading it, or remove it"
        ) from error


def _seen(files: Mapping[str, os.stat_result]) -> str:
    states = (
        (name, f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}".encode()) for name, s in files.items()
    )
    return fingerprint(states)


def _keep(note: Path, content: Mapping[str, str]) -> None:
    """Write it whole; where the data root cannot be written, files are read each time."""
    partial = note.with_name(f"{note.name}.{secrets.token_hex(8)}.partial")
    with suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(content), encoding="ascii")
        partial.replace(note)
