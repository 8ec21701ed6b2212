"""A folder that follows a store on an object store.

The objects are the truth and the folder a copy of some of them: results and what studies keep are
copied when a command begins, all else when it is asked for. The folder can be deleted at any time.
What is only a view, MLflow's database and the Parquet table of all evaluations, and features of
reference images, which take seconds to compute again, lie in the folder alone.
"""

import fnmatch
import hashlib
import json
import os
import re
import shutil
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from rgm_bench.errors import StoreError
from rgm_bench.results.files import Listed, explain, to_json, write_whole
from rgm_bench.results.remote import Remote

RESULT = "result.json"
CHECKPOINT = "checkpoint.safetensors"
LOG = "log.txt"
UNITS = ("trainings", "evaluations")

COPY_SECONDS = 5.0
"""How often a file that grows is copied to the object store while it does."""

BATCH = 500
"""Objects that are asked for at once; the file system chooses how many connections they share."""

TRIES = 5
"""Listings of an object store in which others remove objects meanwhile."""

_INDEX = ".remote.json"
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
# objects that others have put there under any other name never become paths here
_KEPT = re.compile(
    rf"({'|'.join(UNITS)})/[0-9a-f]+/[0-9a-f]+/({RESULT}|{LOG})"
    rf"|gates/{_NAME}/{_NAME}\.json"
    rf"|studies/{_NAME}/{_NAME}/(study\.json|claims\.json|given_up\.json|journal/{_NAME}\.jsonl)"
)


@final
class Mirror:
    """Copies between a folder and the objects that it follows.

    Args:
        root: the folder; it is made when something is copied into it.
        remote: the objects.
    """

    def __init__(self, root: Path, remote: Remote) -> None:
        self.root, self.remote = root, remote
        self._absent: set[str] = set()
        self._uploaded: set[str] = set()

    def refresh(self) -> bool:
        """Have every result here that is there, and no other; whether anything is there.

        One listing, then only what has changed since the last one, many objects at a time.

        Raises:
            StoreError: the object store cannot be read, or the folder cannot be written.
        """
        for _ in range(TRIES):  # again if something went away between the listing and its copy
            started = time.time()
            listed = self.remote.list()
            kept = {key: info for key, info in listed.items() if _is_kept(key, listed)}
            index = self._index()
            changed = [key for key, info in kept.items() if self._differs(key, info, index)]
            if self._download(changed, kept):
                break
        else:
            raise StoreError(
                f"{self.remote.uri}: objects that were listed were gone when they were read, "
                f"{TRIES} times; run the same command again when nobody removes any"
            )
        self._remove_gone(kept, started)
        fresh = {key: info.stamp for key, info in kept.items()}
        if fresh != index:
            write_whole(self.root / _INDEX, to_json(fresh), lasting=False)
        return bool(listed)

    def fetch(self, folder: Path, names: Sequence[str]) -> None:
        """Have files of a unit's folder here as they are there; `names` may have wildcards.

        A result that is there no longer goes away here too, with all that was copied beside it.

        Raises:
            StoreError: as for `refresh`.
        """
        listed = self.remote.list(self._key(folder))
        is_gone = RESULT in names and self._key(folder / RESULT) not in listed
        if is_gone and (folder / RESULT).exists():
            self._clear(folder)
        for name in names:
            for key in fnmatch.filter(listed, self._key(folder / name)):
                if self._differs(key, listed[key], {}):
                    self._download([key], listed)

    def fetched(self, path: Path) -> Path:
        """`path`, once it is here if it is there.

        Raises:
            StoreError: as for `refresh`.
        """
        key = self._key(path)
        if not path.exists() and key not in self._absent and not self._get([key]):
            self._absent.add(key)  # a finished unit gets no more files
        return path

    def stamp(self, path: Path) -> str | None:
        """What tells the object of a file as it is now from all others; None if there is none.

        Raises:
            StoreError: as for `refresh`.
        """
        info = self.remote.list(self._key(path.parent)).get(self._key(path))
        return None if info is None else info.stamp

    def gather(self, paths: Iterable[Path]) -> None:
        """`fetched` for many files at a time.

        Raises:
            StoreError: as for `refresh`.
        """
        keys = [self._key(path) for path in paths if not path.exists()]
        for start in range(0, len(keys), BATCH):
            if not self._get(keys[start : start + BATCH]):
                for key in keys[start : start + BATCH]:
                    self.fetched(self.root / key)

    def upload(self, paths: Iterable[Path]) -> None:
        """Copy files there.

        Raises:
            StoreError: the object store cannot be written.
        """
        for path in paths:
            key = self._key(path)
            self.remote.upload(path, key)
            self._uploaded.add(key)

    def upload_folder(self, folder: Path) -> None:
        """Copy there what a unit has written beside its result and what it goes on from.

        Raises:
            StoreError: the object store cannot be written.
        """
        files = sorted(path for path in folder.glob("[!.]*") if path.is_file())
        others = (path for path in files if path.name not in (RESULT, CHECKPOINT, LOG))
        self.upload(path for path in others if self._key(path) not in self._uploaded)

    def create(self, path: Path, content: bytes) -> bool:
        """Create a file there unless it is there, and have here what is there then.

        Raises:
            StoreError: as for `refresh`.
        """
        created = self.remote.create(self._key(path), content)
        kept = content if created else self.remote.read(self._key(path))
        if kept is not None:
            write_whole(path, kept)
        return created

    def replace(self, path: Path, content: bytes) -> None:
        """Write a file there, then here.

        Raises:
            StoreError: as for `refresh`.
        """
        self.remote.write(self._key(path), content)
        write_whole(path, content)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder there, then here; of a folder its results first.

        Raises:
            StoreError: the object store cannot be written.
        """
        key = self._key(path)
        keys = [key] if path.suffix else list(self.remote.list(key)) or [key]
        results = [each for each in keys if each.endswith(f"/{RESULT}")]
        self.remote.remove(*results)
        self.remote.remove(*(each for each in keys if each not in results))
        self._absent.difference_update(keys)
        self._uploaded.difference_update(keys)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def move(self, path: Path, place: Path) -> None:
        """Move a file or a folder there, a result before what lies beside it; here all stays.

        Raises:
            StoreError: the object store cannot be written.
        """
        key, target = self._key(path), self._key(place)
        keys = [key] if path.is_file() else list(self.remote.list(key))
        for each in sorted(keys, key=lambda each: not each.endswith(f"/{RESULT}")):
            self.remote.move(each, f"{target}{each.removeprefix(key)}")
            self._uploaded.discard(each)

    def _differs(self, key: str, info: Listed, index: Mapping[str, str]) -> bool:
        """Whether an object is to be copied here."""
        path = self.root / key
        try:
            found = path.stat()
        except FileNotFoundError:
            return True
        if path.name == LOG or path.suffix == ".jsonl":
            return found.st_size < info.size  # it only grows, and who writes it has the longest
        if path.name == CHECKPOINT and found.st_mtime >= info.modified:
            return False
        if found.st_size == info.size and index.get(key) == info.stamp:
            return False
        # what this machine has uploaded itself: on S3 the tag of a small object is its MD5
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != info.stamp

    def _download(self, keys: Sequence[str], listed: Mapping[str, Listed]) -> bool:
        for key in keys:
            if key.endswith(f"/{RESULT}") and (self.root / key).exists():
                self._clear((self.root / key).parent)  # what lies beside it is of another result
        for start in range(0, len(keys), BATCH):
            if not self._get(keys[start : start + BATCH]):
                return False
        for key in keys:  # the newest of several results is told by their times
            with suppress(FileNotFoundError):
                os.utime(self.root / key, (listed[key].modified, listed[key].modified))
        return True

    def _get(self, keys: Sequence[str]) -> bool:
        try:
            for folder in {(self.root / key).parent for key in keys}:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(explain(error, self.root)) from error
        return self.remote.download(keys, self.root)

    def _remove_gone(self, kept: Mapping[str, Listed], started: float) -> None:
        """Remove results and studies that were here before a listing and are not in it."""
        units = [path for kind in UNITS for path in self.root.glob(f"{kind}/*/*/{RESULT}")]
        for path in (*units, *self.root.glob("studies/*/*/study.json")):
            if self._key(path) in kept:
                continue
            with suppress(FileNotFoundError):
                if path.stat().st_ctime >= started:  # finished after the listing
                    continue
                if path.name == RESULT:
                    self._clear(path.parent)
                else:
                    shutil.rmtree(path.parent, ignore_errors=True)

    def _clear(self, folder: Path) -> None:
        """Remove the copy of a result, with all beside it but the log."""
        for path in folder.glob("[!.]*"):
            if path.name != LOG:
                path.unlink(missing_ok=True)
                self._uploaded.discard(self._key(path))
        for empty in (folder, folder.parent):
            with suppress(OSError):
                empty.rmdir()

    def _index(self) -> dict[str, str]:
        try:
            return json.loads((self.root / _INDEX).read_bytes())
        except (FileNotFoundError, ValueError):
            return {}

    def _key(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _is_kept(key: str, listed: Mapping[str, Listed]) -> bool:
    """Whether an object is copied at the beginning of a command.

    Logs are those of units that did not finish, which are looked at to see why.
    """
    if _KEPT.fullmatch(key) is None:
        return False
    return not key.endswith(LOG) or f"{key.removesuffix(LOG)}{RESULT}" not in listed


@final
class Copying:
    """Copies a file that grows, every few seconds and once more on leaving the `with` block.

    An object store that does not answer ends nothing: the file is here, and is copied later.

    Args:
        mirror: that copies it.
        path: of the file.
    """

    def __init__(self, mirror: Mirror, path: Path) -> None:
        self._mirror, self._path = mirror, path
        self._copied = -1
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        self._copy()

    def _repeat(self) -> None:
        while not self._done.wait(COPY_SECONDS):
            self._copy()

    def _copy(self) -> None:
        with suppress(StoreError, FileNotFoundError):
            size = self._path.stat().st_size
            if size != self._copied:
                self._mirror.upload([self._path])
                self._copied = size
