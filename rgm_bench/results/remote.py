"""The objects of a store that lies on an object store, reached through fsspec.

All that is asked of the object store: whole objects are written at once, a new object is seen by
whoever lists or reads after it, and one can be created only if it is not there.
"""

import hashlib
import os
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, final

from rgm_bench.environment import folder_of, forget_empty
from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain, is_of_the_disk

CACHE_VARIABLE = "RGM_BENCH_CACHE"

PATIENCE_SECONDS = 120.0
"""How long a run waits for a server that has answered before and now does not."""

_URI = re.compile(r"[a-z][a-z0-9+.-]*://.*")
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}
_MODIFIED = ("LastModified", "last_modified", "mtime", "updated", "created")
_T = TypeVar("_T")


def is_uri(location: str) -> bool:
    """Whether a location is an fsspec URI; all else is a path."""
    return "://" in location


def working_folder(uri: str) -> Path:
    """Where this machine keeps its copy of a remote store.

    In `stores` of `$RGM_BENCH_CACHE`, else of `~/.cache/rgm-bench`.
    """
    cache = folder_of(CACHE_VARIABLE, "~/.cache/rgm-bench")
    words = re.sub(r"[^A-Za-z0-9]+", "-", uri.partition("://")[2]).strip("-")[:60]
    return cache / "stores" / f"{words}-{hashlib.sha256(uri.encode()).hexdigest()[:8]}"


@final
@dataclass(frozen=True)
class Listed:
    """An object in a listing: `stamp` changes with its content, `modified` is a Unix time."""

    stamp: str
    size: int
    modified: float


@final
@dataclass(frozen=True)
class Remote:
    """The objects below a URI, by their path below it.

    Args:
        uri: where they are, as fsspec reads it. Credentials and endpoints come from where its file
            system looks for them.
        patience_seconds: how long to wait for a server that does not answer, beyond what its file
            system does.
    """

    uri: str
    patience_seconds: float = 0.0

    def waiting(self, seconds: float) -> "Remote":
        """The same objects, with as much patience."""
        return replace(self, patience_seconds=seconds)

    def list(self, folder: str = "") -> dict[str, Listed]:
        """All objects, or those in a folder.

        Raises:
            StoreError: there is no such bucket, it may not be read, or nobody answers.
        """

        def find() -> dict[str, Listed]:
            fs, root = self._opened
            fs.invalidate_cache()
            found: dict[str, dict[str, Any]] = fs.find(self._path(folder), detail=True)
            start = len(root) + 1
            return {path[start:]: _listed(info) for path, info in found.items()}

        return self._attempt(find)

    def read(self, path: str) -> bytes | None:
        """The content of a small object, or None if there is none.

        Raises:
            StoreError: as for `list`.
        """

        def get() -> bytes | None:
            # one request, where s3fs would ask for the size before it reads into memory
            with tempfile.TemporaryDirectory(prefix="rgm-bench-") as folder:
                try:
                    self._opened[0].get_file(self._path(path), f"{folder}/object")
                except FileNotFoundError:
                    return None
                return Path(folder, "object").read_bytes()

        return self._attempt(get)

    def download(self, paths: Sequence[str], root: Path) -> bool:
        """Copy objects into a folder, each whole; False if one is gone, and others may be missing.

        Raises:
            StoreError: as for `list`, or the folder cannot be written.
        """
        beside = [_beside(root / path) for path in paths]

        def get() -> bool:
            try:
                self._opened[0].get([self._path(path) for path in paths], list(map(str, beside)))
            except FileNotFoundError:
                return False
            for written, path in zip(beside, paths, strict=True):
                written.replace(root / path)
            return True

        try:
            return not paths or self._attempt(get)
        finally:
            for written in beside:
                written.unlink(missing_ok=True)

    def create(self, path: str, content: bytes) -> bool:
        """Write an object unless it is there; of several creators exactly one is told True.

        Raises:
            StoreError: as for `list`.
        """

        def create() -> bool:
            try:
                self._opened[0].pipe_file(self._path(path), content, mode="create")
            except Exception as error:
                if not _says_it_is_there(error):
                    raise
                return False
            return True

        # a creation whose answer was lost is tried again, and then finds itself
        return self._attempt(create) or self.read(path) == content

    def write(self, path: str, content: bytes) -> None:
        """Write an object, or replace it.

        Raises:
            StoreError: as for `list`.
        """
        self._attempt(lambda: self._opened[0].pipe_file(self._path(path), content))

    def upload(self, file: Path, path: str) -> None:
        """Make an object of a file, or replace it by one.

        Raises:
            StoreError: as for `list`, or the file is gone.
        """

        def put() -> None:
            if not file.exists():
                raise StoreError(f"{file}: gone before it was uploaded; run the same command again")
            self._opened[0].put_file(str(file), self._path(path))

        self._attempt(put)

    def remove(self, path: str) -> None:
        """Remove an object, if it is there.

        Raises:
            StoreError: as for `list`.
        """

        def remove() -> None:
            with suppress(FileNotFoundError):
                self._opened[0].rm_file(self._path(path))

        self._attempt(remove)

    def prove(self) -> None:
        """Prove that objects can be written, and created only where there is none.

        Raises:
            StoreError: they cannot.
        """
        probe = f".probe-{uuid.uuid4().hex}"
        try:
            created = self.create(probe, b"first")
            again = self.create(probe, b"second")
            kept = self.read(probe)
        finally:
            with suppress(StoreError):  # what went wrong before is what its user has to hear of
                self.remove(probe)
        if not created or again or kept != b"first":
            raise StoreError(
                f"{self.uri}: an object was written over by one that was to be created only where "
                "there is none, so two commands could not share this store; use a service that "
                "honours conditional writes (for S3, If-None-Match), or a folder"
            )

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system and the path below which all objects lie."""
        import fsspec

        forget_empty("AWS_")
        protocol, _, rest = self.uri.partition("://")
        if not _URI.fullmatch(self.uri) or "::" in self.uri:
            raise StoreError(
                f"{self.uri}: not a URI of a store; expected one such as s3://bucket/prefix"
            )
        if not rest.strip("/"):
            raise StoreError(
                f"{self.uri}: names no bucket; expected one such as {protocol}://bucket/prefix"
            )
        try:
            # a listing that is remembered would hide what others write
            fs, path = fsspec.core.url_to_fs(self.uri, use_listings_cache=False)
        except ImportError as error:
            hint = "pip install 'rgm-bench[s3]'" if protocol in ("s3", "s3a") else str(error)
            raise StoreError(
                f"{self.uri}: the package that reaches {protocol}:// is not installed: {hint}"
            ) from error
        except ValueError as error:
            raise StoreError(
                f"{self.uri}: {error}; expected a protocol that fsspec knows, such as s3://, "
                "or a path"
            ) from error
        return fs, path.rstrip("/")

    def _path(self, path: str) -> str:
        root = self._opened[1]
        return f"{root}/{path}" if path else root

    def _attempt(self, action: Callable[[], _T]) -> _T:
        """What `action` gives, tried again for a while where the server does not answer."""
        deadline, pause = time.monotonic() + self.patience_seconds, 1.0
        while True:
            try:
                return action()
            except StoreError:
                raise
            except Exception as error:  # botocore's and aiohttp's are no OSError
                if _is_lasting(error) or time.monotonic() > deadline:
                    raise StoreError(self._explain(error)) from error
            time.sleep(pause)
            pause = min(2 * pause, 10.0)

    def _explain(self, error: Exception) -> str:
        first = (str(error).strip().splitlines() or [""])[0]
        if isinstance(error, OSError) and is_of_the_disk(error):
            return explain(error, Path(error.filename or "."))
        if isinstance(error, FileNotFoundError):
            return f"{self.uri}: {first}; make the bucket, or choose another store with --store"
        if isinstance(error, PermissionError):
            return (
                f"{self.uri}: access was refused ({first}); check the credentials, which have to "
                "allow listing, reading, writing and deleting there"
            )
        if type(error).__name__ in _NO_CREDENTIALS:
            return (
                f"{self.uri}: no credentials were found; for S3 set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials"
            )
        return (
            f"{self.uri}: the object store did not do what was asked "
            f"({type(error).__name__}: {first}); check the network and the endpoint "
            "(AWS_ENDPOINT_URL for S3), then run the same command again"
        )


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")


def _listed(info: dict[str, Any]) -> Listed:
    modified = next((info[name] for name in _MODIFIED if info.get(name) is not None), 0.0)
    if isinstance(modified, str):
        modified = datetime.fromisoformat(modified)
    seconds = modified.timestamp() if isinstance(modified, datetime) else float(modified)
    size = int(info["size"])
    tag = info.get("ETag") or info.get("etag") or f"{size} {seconds}"
    return Listed(str(tag).strip('"'), size, seconds)


def _says_it_is_there(error: Exception) -> bool:
    if isinstance(error, FileExistsError):
        return True
    # servers that do not say which condition failed: there was but one
    response: dict[str, Any] = getattr(error.__cause__, "response", None) or {}
    return response.get("Error", {}).get("Code") in ("PreconditionFailed", "412")


def _is_lasting(error: Exception) -> bool:
    """Whether the same would be said the next time."""
    lasting = FileNotFoundError | PermissionError | ImportError | ValueError | TypeError
    return (
        isinstance(error, lasting)
        or type(error).__name__ in _NO_CREDENTIALS
        or (isinstance(error, OSError) and is_of_the_disk(error))
    )
