"""How a worker carries out a unit: lease, run, commit, and never a raised error."""

import logging
import socket
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never, final

from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec, stored_spec
from rgm_bench.errors import DamagedError, OtherCodeError, StoppedError, StoreError, UserError
from rgm_bench.execution.base import Attempt, Ending, ShouldStop, Unit, go_on
from rgm_bench.execution.failures import kind_of
from rgm_bench.execution.saved import SavedTraining
from rgm_bench.results.code import code_digest
from rgm_bench.results.files import explain, is_of_the_disk
from rgm_bench.results.lease import Lease, believe
from rgm_bench.results.mirror import CHECKPOINT, LOG, RESULT
from rgm_bench.results.remote import PATIENCE_SECONDS
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.results.store import Store, snapshot_path

if TYPE_CHECKING:
    from rgm_bench.evaluation.base import Report
    from rgm_bench.ranks import Ranks

log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Done:
    """An outcome that is in the store, and whether it was there already."""

    outcome: Outcome
    found: bool


Part = Callable[["Ranks"], Done | None]
"""What each of several processes does of a training; picklable. The first one gives the outcome."""

Share = Callable[[Part], Done | None]
"""Has several processes do their parts, and gives what the first gave.

It raises what one of them raised, and LostProcessError if one has died.
"""


@final
@dataclass(frozen=True)
class StoreWorker:
    """Carries out units of a store; picklable, so that it can travel to workers.

    Args:
        location: of the store, as workers see it.
        gpus: of one unit; 0 keeps to the CPU even where there is a GPU.
        parts: classes of the user's own.
        cpus: of one unit, which its cost says beside the seconds.
        share: how several processes share a training; None has each done by one.
        digests: of the driver's code, for each kind of unit; a unit is refused where the code is
            other. None takes the code that is there.
    """

    location: str
    gpus: float = 0
    parts: Parts = NO_PARTS
    cpus: float = 1
    share: Share | None = None
    digests: Mapping[UnitKind, str] | None = None

    def __call__(self, unit: Unit, should_stop: ShouldStop = go_on) -> Attempt:
        """Carry out `unit` and commit its outcome; whatever goes wrong is in the answer.

        Args:
            unit: the unit.
            should_stop: asked after each step of a training and each block of samples.
        """
        started = time.perf_counter()

        def attempt(ending: Ending, reason: str | None = None) -> Attempt:
            return Attempt(unit.id, ending, time.perf_counter() - started, reason)

        if should_stop():
            return attempt("stopped")
        store = self._store(unit)
        try:
            self._require_same_code(unit)  # before anything is written
            with _log_of(store, unit):
                done = self._carry_out(store, unit, should_stop)
        except StoppedError:
            return attempt("stopped")
        except Exception as error:  # the boundary: one bad unit must not end the study
            known = _of_the_store(error, store.root) or error
            plain = isinstance(known, UserError)
            failed = attempt("failed", str(known) if plain else f"{type(error).__name__}: {error}")
            failed = replace(failed, trace=traceback.format_exc(), failure=kind_of(known))
            return replace(failed, damage=known) if isinstance(known, DamagedError) else failed
        if done is None:
            return attempt("busy")
        return attempt("found" if done.found else done.outcome.status, done.outcome.reason)

    def _require_same_code(self, unit: Unit) -> None:
        if self.digests is not None:
            _require_code(unit, self.digests[unit.kind])

    def _store(self, unit: Unit) -> Store:
        believe(unit.silent)
        return Store.at(self.location, patience_seconds=PATIENCE_SECONDS)

    def _carry_out(self, store: Store, unit: Unit, should_stop: ShouldStop) -> Done | None:
        """The outcome, committed; None while another process works on the unit.

        Raises:
            StoppedError: `should_stop` said so.
        """
        try:
            if unit.kind == "training" and self.share is not None:
                if store.is_held(unit.id):
                    return None  # without a start of processes for nothing
                return self.share(partial(replace(self, share=None).take_part, unit))
            from rgm_bench.ranks import ALONE

            return self._lead(store, unit, ALONE, should_stop)
        except StoppedError:
            raise
        except Exception:
            log.exception("failed")
            raise

    def take_part(self, unit: Unit, ranks: "Ranks") -> Done | None:
        """Carry out a training with other processes. The first leases and commits it.

        Nobody asks these to stop: what they did since their last checkpoint is done again.

        Returns:
            Of the first, the outcome or None while somebody else works on the unit; else None.

        Raises:
            OtherCodeError: the driver or the first process has other code than this one.
        """
        self._require_same_code(unit)
        store = self._store(unit)
        if ranks.is_first:
            with _log_of(store, unit):
                return self._lead(store, unit, ranks, go_on)
        self._follow(unit, ranks)
        return None

    def _follow(self, unit: Unit, ranks: "Ranks") -> None:
        from rgm_bench.execution.device import take_device
        from rgm_bench.trial import join_training

        digest = ranks.from_first(None)
        if digest is None:  # there is nothing to train
            return
        _require_code(unit, digest)
        spec = stored_spec(TrainingSpec, unit.spec)
        device = take_device(self.gpus)
        join_training(spec, device=device, ranks=ranks, until=unit.images, parts=self.parts)

    def _lead(
        self, store: Store, unit: Unit, ranks: "Ranks", should_stop: ShouldStop
    ) -> Done | None:
        digest = code_digest(unit.kind)
        lease = store.lease(unit.kind, unit.id)
        if lease is None:
            ranks.from_first(None)
            return None
        with lease:
            # somebody may have finished it since it was planned, or begun with it elsewhere
            begun = (CHECKPOINT, "snapshot-*") if unit.kind == "training" else ()
            store.fetch(unit.kind, unit.id, digest, RESULT, LOG, *begun)
            finished = store.outcome(unit.kind, unit.id, digest)
            if finished is not None and unit.is_done_by(finished):
                ranks.from_first(None)
                return Done(finished, found=True)
            ranks.from_first(digest)
            saved = SavedTraining(store, store.folder(unit.kind, unit.id, digest))
            report = _reporting(lease, saved, should_stop)
            with saved:
                outcome = self._compute(store, unit, digest, report, ranks)
            given = {"cpus": self.cpus * ranks.num, "gpus": self.gpus * ranks.num}
            outcome = replace(outcome, cost={**outcome.cost, **given})
            is_first = store.commit(outcome)
            # only now: a commit that failed would have cost the whole training
            checkpoint = store.folder(unit.kind, unit.id, digest) / CHECKPOINT
            if outcome.is_part:
                store.upload([checkpoint])
            elif unit.kind == "training":
                store.remove(checkpoint)
        return Done(outcome, found=not is_first)

    def _compute(
        self, store: Store, unit: Unit, digest: str, report: "Report", ranks: "Ranks"
    ) -> Outcome:
        # torch takes seconds to import, and the driver has no use for it
        from rgm_bench.evaluation.base import Place
        from rgm_bench.execution.device import take_device
        from rgm_bench.trial import run_evaluation, run_training

        folder, device = store.folder(unit.kind, unit.id, digest), take_device(self.gpus)
        match unit.kind:
            case "training":
                spec = stored_spec(TrainingSpec, unit.spec)
                return run_training(
                    spec,
                    folder=folder,
                    digest=digest,
                    device=device,
                    report=report,
                    until=unit.images,
                    parts=self.parts,
                    ranks=ranks,
                    set_aside=store.set_aside,
                )
            case "evaluation":
                spec = stored_spec(EvaluationSpec, unit.spec)
                weights, sha256 = _weights(store, spec, unit.needs)
                place = Place(
                    weights=weights,
                    weights_sha256=sha256,
                    references=store.root / "references",
                    folder=folder,
                    digest=digest,
                    device=device,
                    report=report,
                    parts=self.parts,
                    set_aside=store.set_aside,
                )
                return run_evaluation(spec, place=place)
            case _:
                assert_never(unit.kind)


def _require_code(unit: Unit, asked: str) -> None:
    found = code_digest(unit.kind)
    if found != asked:
        raise OtherCodeError(
            f"{unit.kind} {unit.id} was asked for by code {asked}, and {socket.gethostname()} has "
            f"code {found}: install the same version of rgm-bench, with the same constraints, on "
            "all machines"
        )


def _reporting(lease: Lease, saved: SavedTraining, should_stop: ShouldStop) -> "Report":
    """Keeps a lease and what is saved up to date, and ends the unit once it is to stop."""

    def report(done: int, whole: int) -> None:
        lease.update(done, whole)
        saved.keep()
        if should_stop():
            raise StoppedError

    return report


def _of_the_store(error: Exception, root: Path) -> StoreError | None:
    """What the operating system has refused to write into the store, as an error of the store."""
    if not isinstance(error, OSError):
        return None
    path = Path(error.filename) if isinstance(error.filename, str) else root
    refused = isinstance(error, PermissionError | NotADirectoryError | FileExistsError)
    if is_of_the_disk(error) or (refused and path.is_relative_to(root)):
        return StoreError(explain(error, path))
    return None


def _weights(
    store: Store, spec: EvaluationSpec, training_id: str | None
) -> tuple[Path | None, str | None]:
    """The snapshot that an evaluation measures, and its sha256; None if there is none to measure.

    Raises:
        DamagedError: the snapshot is not what the training wrote.
        StoreError: the training is not in the store under the present code.
    """
    if not isinstance(spec.source, TrainingSource) or training_id is None:
        return None, None
    digest = code_digest("training")
    store.fetch("training", training_id, digest, RESULT)
    training = store.outcome("training", training_id, digest)
    images = spec.source.training.images_at(spec.source.at)
    if training is None or (training.is_part and images > training.images):
        raise StoreError(
            f"training {training_id} is not in {store} under the present code ({digest}); "
            "the same code has to run on the driver and on every worker"
        )
    if training.status == "diverged" and images > training.images:
        return None, None
    path = snapshot_path(store.folder("training", training_id, digest), images)
    known = training.files.get(path.name)
    if known is None and not store.fetched(path).exists():
        return path, None  # who loads it says that it is missing
    return path, store.prove(path, known)


@contextmanager
def _log_of(store: Store, unit: Unit) -> Generator[None]:
    """What the package logs meanwhile goes to `log.txt` in the unit's folder."""
    folder = store.folder(unit.kind, unit.id, code_digest(unit.kind))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(folder / LOG, delay=True)
    except OSError as error:
        raise StoreError(explain(error, folder)) from error
    # a log that cannot be written must neither end its unit nor print a traceback
    handler.handleError = lambda record: None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger("rgm_bench")
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.removeHandler(handler)
        with suppress(OSError):
            handler.close()
        with suppress(StoreError):  # what went wrong is in the answer too
            store.upload([folder / LOG] if (folder / LOG).exists() else [])
