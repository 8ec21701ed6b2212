"""The store: finished units of work under the id of their spec and the digest of their code.

    trainings/<id>/<digest>/    result.json, snapshot-<images>.safetensors, curve.json, log.txt
    evaluations/<id>/<digest>/  result.json, grid.png, log.txt
    leases/  references/  studies/<name>/<profile>/  mlflow.db  mlartifacts/
    damaged/                    what was set aside, under the path that it had

It is a folder, or lies on an object store: then all is read from and written to a folder of this
machine that follows it. See `rgm_bench.results.mirror` for what lies where.

`result.json` is written last and only if it is not there: a folder without it is unfinished, and
the first valid commit wins. One thing alone replaces it: more images of a training that had stopped
early.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Literal

from rgm_bench.config.given_up import GivenUp
from rgm_bench.config.study import StudySpec
from rgm_bench.environment import path_of
from rgm_bench.errors import DamagedError, StoreError
from rgm_bench.results import lease as local_lease
from rgm_bench.results import remote_lease
from rgm_bench.results.code import code_digest
from rgm_bench.results.files import Listed, create_whole, explain, listed, to_json, write_whole
from rgm_bench.results.given_up import read_given_up
from rgm_bench.results.lease import Lease, Progress
from rgm_bench.results.mirror import RESULT, Copying, Mirror
from rgm_bench.results.proof import proven, sealed
from rgm_bench.results.read import read_curve, read_outcome
from rgm_bench.results.remote import PATIENCE_SECONDS, Remote, is_uri, working_folder
from rgm_bench.results.schema import Outcome, UnitKind

CodePolicy = Literal["warn", "strict", "ignore"]
"""What counts as finished: results of any code, with or without a warning, or of this code."""

STUDY = "study.json"
CURVE = "curve.json"
DAMAGED = "damaged"


def snapshot_path(folder: Path, images_seen: int) -> Path:
    """The averaged weights of a training after so many images."""
    return folder / f"snapshot-{images_seen}.safetensors"


class Store:
    """One folder of results, shared by all studies.

    Args:
        root: the folder; it is made when the first result is written.
        mirror: has it follow an object store; None for a store that is just a folder.
    """

    def __init__(self, root: Path, mirror: Mirror | None = None) -> None:
        self.root = root
        self._mirror = mirror
        self.unsealed: set[str] = set()
        """The results without a seal that were read, by their paths."""

    @classmethod
    def at(cls, location: str | Path, *, patience_seconds: float = 0.0) -> "Store":
        """The store at a location, whether there is anything or not. Nothing is asked or read.

        Args:
            location: a path, or a URI such as `s3://bucket/prefix`.
            patience_seconds: how long to wait for an object store that does not answer.

        Raises:
            StoreError: it is empty, or no text in UTF-8.
        """
        _require_name(location)
        if isinstance(location, Path) or not is_uri(location):
            return cls(path_of(location))
        protocol, _, path = location.partition("://")
        uri = f"{protocol}://{path.rstrip('/')}"
        root = working_folder(uri)
        return cls(root, Mirror(root, Remote(uri, patience_seconds)))

    @classmethod
    def open(cls, location: str | Path) -> "Store":
        """The store at a location, with all results that are there by now.

        Raises:
            StoreError: there is none, or it cannot be read.
        """
        store = cls.at(location)
        if not store.refresh():
            raise StoreError(
                f"{store if store.is_remote else store.root.resolve()}: there is no store here; "
                "`rgm-bench run STUDY` makes one, and --store names another"
            )
        return store

    def __str__(self) -> str:
        return str(self.root if self._mirror is None else self._mirror.remote)

    @property
    def location(self) -> str:
        """What names the store in any folder of any machine that sees it."""
        return str(self.root.resolve()) if self._mirror is None else self._mirror.remote.uri

    @property
    def is_remote(self) -> bool:
        """Whether it lies on an object store."""
        return self._mirror is not None

    def refresh(self) -> bool:
        """Have all results here that are in the store by now; whether there is a store.

        Raises:
            StoreError: an object store cannot be read.
        """
        return self.root.is_dir() if self._mirror is None else self._mirror.refresh()

    def prepare(self) -> None:
        """Make the folder and prove that it can be written, and the object store too.

        From then on an object store that does not answer is waited for, since it once did.

        Raises:
            StoreError: it cannot, or the object store cannot keep one command from writing over
                what another has written.
        """
        probe = self.root / f".writable-{os.getpid()}"
        create_whole(probe, bytes(4096))  # an empty file still fits on a full disk
        probe.unlink()
        if self._mirror is not None:
            self._mirror.remote.prove()
            self._mirror = Mirror(self.root, self._mirror.remote.waiting(PATIENCE_SECONDS))

    # --- files of units -----------------------------------------------------------------------

    def folder(self, kind: UnitKind, unit_id: str, digest: str) -> Path:
        """Where a unit keeps its files."""
        return self.root / f"{kind}s" / unit_id / digest

    def outcome(self, kind: UnitKind, unit_id: str, digest: str | None = None) -> Outcome | None:
        """What a unit came to, or None if it is not finished.

        Args:
            kind: training or evaluation.
            unit_id: the id of its spec.
            digest: of the code that made it; None takes the newest.

        Raises:
            DamagedError: its result is not as it was written.
        """
        # text and no Path: a plan of ten thousand units asks ten thousand times
        folder = f"{self.root}/{kind}s/{unit_id}"
        if digest is not None:
            return self._read(f"{folder}/{digest}/{RESULT}")
        found = [f"{folder}/{name}/{RESULT}" for name in _names(folder)]
        newest = max(filter(os.path.exists, found), key=_written, default=None)
        return None if newest is None else self._read(newest)

    def outcomes_of(self, kind: UnitKind, unit_id: str) -> Iterator[Outcome]:
        """What a unit came to under each code that has finished it.

        Raises:
            DamagedError: one of its results is not as it was written.
        """
        for digest in _names(f"{self.root}/{kind}s/{unit_id}"):
            outcome = self.outcome(kind, unit_id, digest)
            if outcome is not None:
                yield outcome

    def _read(self, path: str) -> Outcome | None:
        try:
            outcome = read_outcome(path)
        except DamagedError as error:
            self._copy_again(error)
            outcome = read_outcome(path)
        if outcome is not None and not outcome.is_sealed:
            self.unsealed.add(path)
        return outcome

    def _copy_again(self, error: DamagedError) -> None:
        """Copy a damaged file anew from the object store, where only the copy may be damaged."""
        if self._mirror is None:
            raise error
        error.path.unlink(missing_ok=True)
        self._mirror.gather([error.path])

    def prove(self, path: Path, sha256: str | None) -> str:
        """The sha256 of a file of a unit, which has to be `sha256` unless that is None.

        Raises:
            DamagedError: it is not, or the file is gone.
        """
        try:
            return proven(self.fetched(path), sha256)
        except DamagedError as error:
            self._copy_again(error)
            return proven(path, sha256)

    def commit(self, outcome: Outcome) -> bool:
        """Finish a unit; False if it was finished before, whose outcome then stays.

        More images of a training take the place of fewer; its lease keeps two from doing so.

        Raises:
            StoreError: the store cannot be written.
        """
        path = self.folder(outcome.kind, outcome.id, outcome.digest) / RESULT
        content = to_json(sealed(outcome.to_json()))
        if self._mirror is not None:  # before its result says that they are there
            self._mirror.upload_folder(path.parent)
        if self._create(path, content):
            return True
        kept = read_outcome(str(path))
        if kept is None or not kept.is_part or kept.images >= outcome.images:
            return False
        self.replace(path, content)
        return True

    def replace(self, path: Path, content: bytes) -> None:
        """Write a file of the store, whole, in place of what it said.

        Raises:
            StoreError: the store cannot be written.
        """
        if self._mirror is None:
            write_whole(path, content)
        else:
            self._mirror.replace(path, content)

    def _create(self, path: Path, content: bytes) -> bool:
        """Create a file of the store unless it is there; then what is there is here."""
        if self._mirror is None:
            return create_whole(path, content)
        return self._mirror.create(path, content)

    def forget(self, kind: UnitKind, unit_id: str) -> bool:
        """Remove all that a unit has written, by whatever code.

        Under its lease, so that nobody works on it meanwhile; False, and all is left, while another
        living process has it.

        Raises:
            StoreError: the store cannot be written.
        """
        lease = self.lease(kind, unit_id)
        if lease is None:
            return False
        with lease:
            self.remove(self.root / f"{kind}s" / unit_id)
        return True

    def remove(self, path: Path) -> None:
        """Remove a file or a folder of the store, if it is there.

        Raises:
            StoreError: an object store cannot be written.
        """
        if self._mirror is not None:
            self._mirror.remove(path)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def set_aside(self, path: Path) -> Path:
        """Move a file or a folder of the store out of the way, and say where to.

        Raises:
            StoreError: the store cannot be written.
        """
        wanted = self.root / DAMAGED / path.relative_to(self.root)
        place, number = wanted, 1
        while place.exists():
            number += 1
            place = wanted.with_name(f"{wanted.name}.{number}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if self._mirror is not None:
                self._mirror.move(path, place)
            path.rename(place)
        except OSError as error:
            raise StoreError(explain(error, place)) from error
        with suppress(OSError):  # other code has made other results of the unit
            path.parent.rmdir()
        return place

    def fetch(self, kind: UnitKind, unit_id: str, digest: str, *names: str) -> None:
        """Have files of a unit here as they are in the store, whoever wrote them.

        Raises:
            StoreError: an object store cannot be read.
        """
        if self._mirror is not None:
            self._mirror.fetch(self.folder(kind, unit_id, digest), names)

    def fetched(self, path: Path) -> Path:
        """The path of a file that does not change, once it is here if it is in the store.

        Raises:
            StoreError: an object store cannot be read.
        """
        return path if self._mirror is None else self._mirror.fetched(path)

    def stamp(self, path: Path) -> str | None:
        """What tells a file as it is now in the store from all others; None if there is none.

        Raises:
            StoreError: an object store cannot be read.
        """
        if self._mirror is not None:
            return self._mirror.stamp(path)
        try:
            with path.open("rb") as file:  # which has a network file system look again
                found = os.fstat(file.fileno())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return f"{found.st_ino} {found.st_mtime_ns}"

    def gather(self, paths: Iterable[Path]) -> None:
        """`fetched` for many files at once.

        Raises:
            StoreError: an object store cannot be read.
        """
        if self._mirror is not None:
            self._mirror.gather(paths)

    def upload(self, paths: Iterable[Path]) -> None:
        """Put files into the store that something else has written into its folder.

        Raises:
            StoreError: an object store cannot be written.
        """
        if self._mirror is not None:
            self._mirror.upload(paths)

    def copying(self, path: Path) -> AbstractContextManager[object]:
        """Keeps a file that grows in the store, as long as the `with` block lasts."""
        if self._mirror is None:
            return nullcontext()
        return Copying(Mirror(self.root, self._mirror.remote.waiting(0.0)), path)

    # --- leases -------------------------------------------------------------------------------

    def lease(self, kind: UnitKind, unit_id: str) -> Lease | None:
        """The right to work on a unit, or None while another living process has it.

        Raises:
            StoreError: the store cannot be written.
        """
        if self._mirror is not None:
            return remote_lease.acquire(self._mirror.remote, kind, unit_id)
        return Lease.acquire(self._leases, kind, unit_id)

    def is_held(self, unit_id: str) -> bool:
        """Whether a living process works on a unit."""
        if self._mirror is not None:
            return remote_lease.is_held(self._mirror.remote, unit_id)
        return local_lease.is_held(self._leases, unit_id)

    def running(self) -> list[Progress]:
        """The progress of every unit that a living process works on, in the order they started."""
        if self._mirror is not None:
            return remote_lease.running(self._mirror.remote.waiting(0.0))
        return local_lease.running(self._leases)

    def dead_leases(self) -> dict[Path, Progress]:
        """The leases whose holders have died, by where they lie."""
        if self._mirror is None:
            return local_lease.dead(self._leases)
        found = remote_lease.dead(self._mirror.remote)
        return {self.root / path: progress for path, progress in found.items()}

    def settle(self) -> None:
        """Wait until of all that hold a lease it is known whether they live: a minute at most.

        For a command that looks only once. A holder on another machine lives if it says so again.
        """
        first = {progress.id: progress for progress in self.running()}
        until = time.monotonic() + local_lease.EXPIRY_SECONDS + self.heartbeat_seconds
        while time.monotonic() < until and any(
            first.get(progress.id) == progress and progress.is_elsewhere
            for progress in self.running()
        ):
            time.sleep(min(1.0, self.heartbeat_seconds))

    @property
    def heartbeat_seconds(self) -> float:
        """How often leases say how far their units are."""
        if self._mirror is not None:
            return remote_lease.REMOTE_HEARTBEAT_SECONDS
        return local_lease.HEARTBEAT_SECONDS

    @property
    def _leases(self) -> Path:
        return self.root / "leases"

    # --- all files, units and studies -------------------------------------------------------------

    def files(self) -> dict[Path, Listed]:
        """All that is in the store, but MLflow's pictures.

        Of an object store those that it has itself, by where they would lie in the folder here.

        Raises:
            StoreError: an object store cannot be read.
        """
        if self._mirror is None:
            return listed(self.root, leave="mlartifacts")
        return {self.root / key: found for key, found in self._mirror.remote.list().items()}

    def outcomes(self, kind: UnitKind) -> Iterator[Outcome]:
        """All finished units, the newest outcome of each."""
        for folder in sorted((self.root / f"{kind}s").glob("*")):
            outcome = self.outcome(kind, folder.name)
            if outcome is not None:
                yield outcome

    def find(self, prefix: str) -> tuple[UnitKind, str]:
        """The kind and id of the one unit whose id starts with `prefix`.

        Raises:
            StoreError: there is none, or more than one.
        """
        kinds: tuple[UnitKind, UnitKind] = ("training", "evaluation")
        found: list[tuple[UnitKind, str]] = [
            (kind, folder.name)
            for kind in kinds
            for folder in sorted((self.root / f"{kind}s").glob("*"))
            if folder.name.startswith(prefix)
        ]
        if len(found) == 1:
            return found[0]
        if not found:
            raise StoreError(
                f"no unit in {self} has an id that starts with {prefix!r}; "
                "`rgm-bench plan STUDY --units` and `rgm-bench status STUDY` list ids"
            )
        names = ", ".join(name for _, name in found[:5])
        raise StoreError(f"{len(found)} units have ids that start with {prefix!r}: {names}")

    def study_folder(self, study: StudySpec) -> Path:
        """Where the tables and the journal of a study lie.

        The first version of a study that is run has the folder of its name and profile; an edited
        one, or one with `--set`, has its own with a short hash of what it resolves to.
        """
        plain = self.root / "studies" / study.name / study.profile
        kept = plain / STUDY
        if not kept.exists() or kept.read_bytes() == to_json(study.resolved):
            return plain
        return plain.with_name(f"{study.profile}-{study.digest}")

    def claim_study_folder(self, study: StudySpec) -> Path:
        """`study_folder`, taken for this version of the study."""
        content = to_json(study.resolved)
        self._create(self.root / "studies" / study.name / study.profile / STUDY, content)
        folder = self.study_folder(study)
        self._create(folder / STUDY, content)
        return folder


OnDamage = Callable[[DamagedError], bool]
"""Told of a damaged file: False takes its unit as not there, True has the view look again."""


def refuse(error: DamagedError) -> bool:
    """What commands do that only read: stop.

    Raises:
        DamagedError: the error.
    """
    raise error


class View:
    """A store as this version of the code sees it.

    Args:
        store: the store.
        policy: `strict` sees only results of this very code.
        on_damage: told of damaged files. Unless it is `refuse`, files of evaluations are proven
            whenever their results are asked for.
    """

    def __init__(
        self, store: Store, policy: CodePolicy = "warn", on_damage: OnDamage = refuse
    ) -> None:
        self.store = store
        self.policy = policy
        self.on_damage = on_damage
        self.damaged_curves: dict[Path, str] = {}
        """The curves that were left out because they are damaged, and what is wrong with each."""
        self._proven: set[Path] = set()
        self._damaged: set[str] = set()

    @cached_property
    def digests(self) -> dict[UnitKind, str]:
        """The digest of the present code for each kind of unit."""
        return {"training": code_digest("training"), "evaluation": code_digest("evaluation")}

    def outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        """What a unit came to under the present code, else (unless strict) under the newest.

        Raises:
            DamagedError: it is damaged, and `on_damage` refuses that.
        """
        while True:
            try:
                return self._outcome(kind, unit_id)
            except DamagedError as error:
                self._damaged.add(unit_id)
                if not self.on_damage(error):
                    return None

    def is_lost(self, kind: UnitKind, unit_id: str) -> bool:
        """Whether a unit was finished and then damaged, so that it is to be made again."""
        aside = self.store.root / DAMAGED / f"{kind}s" / unit_id
        return unit_id in self._damaged or any(aside.glob(f"*/{RESULT}"))

    def _outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        found = self.store.outcome(kind, unit_id, self.digests[kind])
        if found is None and self.policy != "strict":
            found = self.store.outcome(kind, unit_id)
        if found is not None and kind == "evaluation" and self.on_damage is not refuse:
            self._prove_files(found)
        return found

    def _prove_files(self, outcome: Outcome) -> None:
        folder = self.store.folder(outcome.kind, outcome.id, outcome.digest)
        for name, sha256 in outcome.files.items():
            path = folder / name
            if path not in self._proven and path.exists():
                self.store.prove(path, sha256)
                self._proven.add(path)

    def is_stale(self, outcome: Outcome) -> bool:
        """Whether other code than the present one made it."""
        return outcome.digest != self.digests[outcome.kind]

    def curve(self, training_id: str) -> dict[str, list[float | None]] | None:
        """The losses of a training over images; None if it is not finished, or they are damaged."""
        outcome = self.outcome("training", training_id)
        if outcome is None:
            return None
        path = self.store.folder("training", training_id, outcome.digest) / CURVE
        if not self.store.fetched(path).exists():
            return None
        try:
            self.store.prove(path, outcome.files.get(CURVE))
            return read_curve(path)
        except DamagedError as error:
            self.damaged_curves[path] = error.found
            return None

    def grid(self, evaluation_id: str) -> Path | None:
        """A picture of the first images of an evaluation, or None if it is not finished.

        Raises:
            DamagedError: it is not as it was written.
        """
        return self._evaluation_file(evaluation_id, "grid.png")

    def points(self, evaluation_id: str) -> Path | None:
        """The points of an evaluation, float32 n x 2, or None if it has none or is not finished.

        Raises:
            DamagedError: they are not as they were written.
        """
        return self._evaluation_file(evaluation_id, "points.npy")

    def given_up(self, study: StudySpec) -> GivenUp:
        """The units that the search of a study goes on without."""
        return read_given_up(self.store.study_folder(study))

    def _evaluation_file(self, evaluation_id: str, name: str) -> Path | None:
        outcome = self.outcome("evaluation", evaluation_id)
        if outcome is None:
            return None
        path = self.store.folder("evaluation", evaluation_id, outcome.digest) / name
        if not self.store.fetched(path).exists():
            return None
        self._prove_files(outcome)  # some pictures lie beside others
        return path


def _require_name(location: str | Path) -> None:
    if not str(location):
        raise StoreError("the name of the store is empty; name a folder with --store")
    folder = os.path.abspath(location)
    try:
        folder.encode()
    except UnicodeEncodeError:
        raise StoreError(
            f"{folder}: this name is not UTF-8, and the tables of a store and MLflow take no "
            "other; rename the folder, or name another store with --store"
        ) from None


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _written(path: str) -> int:
    return os.stat(path).st_mtime_ns
