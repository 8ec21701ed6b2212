"""The objects of a store that lies on an object store, reached through obstore.

All that is asked of the object store: whole objects are written at once, a new object is seen by
whoever lists or reads after it, and one can be created only if it is not there.
"""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final
from urllib.parse import quote

from rgm_bench.environment import folder_of, forget_empty
from rgm_bench.errors import StoreError
from rgm_bench.redaction import redacted
from rgm_bench.results.files import Listed, explain, is_of_the_disk

if TYPE_CHECKING:
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ClientConfig, ObjectStore

CACHE_VARIABLE = "RGM_BENCH_CACHE"

PATIENCE_SECONDS = 120.0
"""How long a run waits for a server that has answered before and now does not."""

SCHEMES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
"""How the URI of an object store begins."""

CONNECTIONS = 16
"""Objects that are downloaded or removed at once."""

_RETRIES = 3
_CLIENT: "ClientConfig" = {
    "allow_http": True,  # of an endpoint that its user has named so
    "connect_timeout": "10s",
    "read_timeout": "60s",
    "timeout": "10m",  # of all of a request, a large object in it
}
# what a server says in its answer, and where obstore asks a machine for the role that it has
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_STATUS = re.compile(r"status code: (\d+)")
_CONFLICT = "ConditionalRequestConflict"  # of two that write at once, and neither may have won
_ROLE_OF_THE_MACHINE = "/latest/api/token"
_T = TypeVar("_T")


def is_uri(location: str) -> bool:
    """Whether a location is a URI; all else is a path."""
    return "://" in location


def working_folder(uri: str) -> Path:
    """Where this machine keeps its copy of a remote store.

    In `stores` of `$RGM_BENCH_CACHE`, else of `~/.cache/rgm-bench`.
    """
    cache = folder_of(CACHE_VARIABLE, "~/.cache/rgm-bench")
    words = re.sub(r"[^A-Za-z0-9]+", "-", redacted(uri).partition("://")[2]).strip("-")[:60]
    return cache / "stores" / f"{words}-{hashlib.sha256(uri.encode()).hexdigest()[:8]}"


@final
@dataclass(frozen=True)
class Remote:
    """The objects below a URI, by their path below it.

    Args:
        uri: where they are, such as `s3://bucket/prefix`. Credentials and endpoints come from the
            variables that the provider's own tools read.
        patience_seconds: how long to wait for a server that does not answer, beyond a few tries.
    """

    uri: str
    patience_seconds: float = 0.0

    def __str__(self) -> str:
        return redacted(self.uri)

    def waiting(self, seconds: float) -> "Remote":
        """The same objects, with as much patience."""
        return replace(self, patience_seconds=seconds)

    def list(self, folder: str = "") -> dict[str, Listed]:
        """All objects, or those in a folder.

        Raises:
            StoreError: there is no such bucket, it may not be read, or nobody answers.
        """

        def find() -> dict[str, Listed]:
            pages = self._store.list(folder or None)
            return {
                found["path"]: Listed(
                    (found["e_tag"] or f"{found['size']} {found['last_modified']}").strip('"'),
                    found["size"],
                    found["last_modified"].timestamp(),
                )
                for page in pages
                for found in page
                if found["path"]  # the prefix itself, where it was made as a folder
            }

        return self._attempt(find)

    def read(self, path: str) -> bytes | None:
        """The content of a small object, or None if there is none.

        Raises:
            StoreError: as for `list`.
        """

        def get() -> bytes | None:
            try:
                return bytes(self._store.get(path).bytes())
            except FileNotFoundError:
                return None

        return self._attempt(get)

    def download(self, paths: Sequence[str], root: Path) -> bool:
        """Copy objects into a folder, each whole; False if one is gone, and others may be missing.

        Raises:
            StoreError: as for `list`, or the folder cannot be written.
        """
        beside = [_beside(root / path) for path in paths]

        def get() -> bool:
            try:
                with ThreadPoolExecutor(CONNECTIONS) as pool:
                    list(pool.map(self._copy, paths, beside))
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
            from obstore.exceptions import AlreadyExistsError

            try:
                self._store.put(path, content, mode="create")
            except AlreadyExistsError as error:
                if _CONFLICT in str(error):
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
        self._attempt(lambda: self._store.put(path, content))

    def upload(self, file: Path, path: str) -> None:
        """Make an object of a file, or replace it by one.

        Raises:
            StoreError: as for `list`, or the file is gone.
        """

        def put() -> None:
            if not file.exists():
                raise StoreError(f"{file}: gone before it was uploaded; run the same command again")
            self._store.put(path, file)

        self._attempt(put)

    def remove(self, *paths: str) -> None:
        """Remove objects, those that are there.

        Raises:
            StoreError: as for `list`.
        """

        def remove() -> None:
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                list(pool.map(self._delete, paths))

        self._attempt(remove)

    def move(self, path: str, target: str) -> None:
        """Give an object another name, if it is there.

        Raises:
            StoreError: as for `list`.
        """

        def move() -> None:
            with suppress(FileNotFoundError):
                self._store.rename(path, target)

        self._attempt(move)

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
                f"{self}: an object was written over by one that was to be created only where "
                "there is none, so two commands could not share this store; use a service that "
                "honours conditional writes (for S3, If-None-Match), or a folder"
            )

    @cached_property
    def _store(self) -> "ObjectStore":
        from obstore.store import from_url

        for prefix in ("AWS_", "AZURE_", "GOOGLE_"):
            forget_empty(prefix)
        scheme, _, rest = self.uri.partition("://")
        if scheme not in SCHEMES:
            raise StoreError(
                f"{self}: not a URI of a store; expected one such as s3://bucket/prefix, "
                "gs://bucket/prefix or az://container/prefix, or a path"
            )
        if not rest.strip("/"):
            raise StoreError(
                f"{self}: names no bucket; expected one such as {scheme}://bucket/prefix"
            )
        return from_url(
            f"{scheme}://{quote(rest, '/@:')}",
            client_options=_CLIENT,
            retry_config={"max_retries": _RETRIES},
            credential_provider=_boto3_credentials() if scheme.startswith("s3") else None,
        )

    def _delete(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._store.delete(path)

    def _copy(self, path: str, file: Path) -> None:
        with file.open("wb") as written:
            for chunk in self._store.get(path).stream():
                written.write(chunk)

    def _attempt(self, action: Callable[[], _T]) -> _T:
        """What `action` gives, tried again for a while where the server does not answer."""
        deadline, pause = time.monotonic() + self.patience_seconds, 1.0
        while True:
            try:
                return action()
            except StoreError:
                raise
            except Exception as error:  # obstore's and botocore's are no OSError
                if _is_lasting(error) or time.monotonic() > deadline:
                    raise StoreError(self._explain(error)) from error
            time.sleep(pause)
            pause = min(2 * pause, 10.0)

    def _explain(self, error: Exception) -> str:
        from obstore.exceptions import InvalidPathError

        text = str(error).strip()
        said = _MESSAGE.search(text)
        first = redacted(said[1] if said else (text.splitlines() or [""])[0])
        if isinstance(error, OSError) and is_of_the_disk(error):
            return explain(error, Path(error.filename or "."))
        if isinstance(error, FileNotFoundError) or _status(error) == 404:
            return f"{self}: {first}; make the bucket, or choose another store with --store"
        if _status(error) in (401, 403):
            return (
                f"{self}: access was refused ({first}); check the credentials, which have to "
                "allow listing, reading, writing and deleting there"
            )
        if isinstance(error, InvalidPathError):
            return f"{self}: {first}; remove that object: no command of this package made it"
        if _ROLE_OF_THE_MACHINE in text:
            return (
                f"{self}: no credentials were found; for S3 set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or pip install 'rgm-bench[s3]' to have ~/.aws read"
            )
        return (
            f"{self}: the object store did not do what was asked "
            f"({type(error).__name__}: {first}); check the network and the endpoint "
            "(AWS_ENDPOINT_URL for S3), then run the same command again"
        )


def _boto3_credentials() -> "Boto3CredentialProvider | None":
    """What boto3 finds, in ~/.aws too; None leaves it to obstore, which does not look there."""
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider

        return Boto3CredentialProvider()
    except (ImportError, ValueError):  # not installed, or it finds none
        return None


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")


def _status(error: Exception) -> int:
    """The status of the server's answer; 0 if there was none, or obstore does not tell."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else 0


def _is_lasting(error: Exception) -> bool:
    """Whether the same would be said the next time."""
    from obstore.exceptions import GenericError

    if _CONFLICT in str(error):
        return False
    is_refused = 400 <= _status(error) < 500 and _status(error) not in (408, 429)
    return not isinstance(error, GenericError) or is_refused or _ROLE_OF_THE_MACHINE in str(error)
