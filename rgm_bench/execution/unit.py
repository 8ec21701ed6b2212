"""How a worker carries out a unit: lease, run, commit, and never a raised error."""

import logging
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never, final

from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec
from rgm_bench.errors import LostProcessError, StoreError, UserError
from rgm_bench.execution.base import Attempt, Ending, Unit
from rgm_bench.results.code import code_digest
from rgm_bench.results.files import explain
from rgm_bench.results.lease import Lease, is_held
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store

if TYPE_CHECKING:
    from rgm_bench.ranks import Ranks

log = logging.getLogger(__name__)

Part = Callable[["Ranks"], Outcome | None]
"""What each of several processes does of a training; picklable. The first one gives the outcome."""

Share = Callable[[Part], Outcome | None]
"""Has several processes do their parts, and gives what the first gave.

It raises what one of them raised, and LostProcessError if one has died.
"""


@final
@dataclass(frozen=True)
class StoreWorker:
    """Carries out units of a store; picklable, so that it can travel to workers.

    Args:
        root: the store's folder, as workers see it.
        gpus: of one unit; 0 keeps to the CPU even where there is a GPU.
        parts: classes of the user's own.
        share: how several processes share a training; None has each done by one.
    """

    root: str
    gpus: float = 0
    parts: Parts = NO_PARTS
    share: Share | None = None

    def __call__(self, unit: Unit) -> Attempt:
        """Carry out `unit` and commit its outcome; whatever goes wrong is in the answer."""
        started = time.perf_counter()

        def attempt(ending: Ending, reason: str | None = None, trace: str | None = None) -> Attempt:
            return Attempt(unit.id, ending, time.perf_counter() - started, reason, trace)

        try:
            store = Store(Path(self.root))
            with _log_of(store, unit):
                outcome = self._carry_out(store, unit)
        except UserError as error:
            return attempt("failed", str(error))
        except LostProcessError as error:
            return attempt("lost", str(error))
        except Exception as error:  # the boundary: one bad unit must not end the study
            return attempt("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        return attempt("busy") if outcome is None else attempt(outcome.status, outcome.reason)

    def _carry_out(self, store: Store, unit: Unit) -> Outcome | None:
        """The outcome, committed; None while another process works on the unit."""
        try:
            if unit.kind == "training" and self.share is not None:
                if is_held(store.root / "leases", unit.id):
                    return None  # without a start of processes for nothing
                return self.share(partial(replace(self, share=None).take_part, unit))
            from rgm_bench.ranks import ALONE

            return self._lead(store, unit, ALONE)
        except Exception:
            log.exception("failed")
            raise

    def take_part(self, unit: Unit, ranks: "Ranks") -> Outcome | None:
        """Carry out a training with other processes. The first leases and commits it.

        Returns:
            Of the first, the outcome or None while somebody else works on the unit; else None.

        Raises:
            StoreError: the first process has other code than this one.
        """
        store = Store(Path(self.root))
        if ranks.is_first:
            with _log_of(store, unit):
                return self._lead(store, unit, ranks)
        self._follow(unit, ranks)
        return None

    def _follow(self, unit: Unit, ranks: "Ranks") -> None:
        from rgm_bench.execution.device import take_device
        from rgm_bench.trial import join_training

        digest = ranks.from_first(None)
        if digest is None:  # there is nothing to train
            return
        if digest != code_digest(unit.kind):
            raise StoreError(
                f"the processes of training {unit.id} run other code: the first {digest}, process "
                f"{ranks.rank} {code_digest(unit.kind)}; the same code has to be on every machine"
            )
        spec = TrainingSpec.model_validate(unit.spec, strict=False)
        join_training(spec, device=take_device(self.gpus), ranks=ranks, parts=self.parts)

    def _lead(self, store: Store, unit: Unit, ranks: "Ranks") -> Outcome | None:
        digest = code_digest(unit.kind)
        lease = Lease.acquire(store.root / "leases", unit.kind, unit.id)
        if lease is None:
            ranks.from_first(None)
            return None
        with lease:
            # somebody may have finished it since it was planned
            finished = store.outcome(unit.kind, unit.id, digest)
            ranks.from_first(None if finished else digest)
            if finished is not None:
                return finished
            outcome = self._compute(store, unit, digest, lease, ranks)
            store.commit(outcome)
            # only now: a commit that failed would have cost the whole training
            _discard_checkpoint(store.folder(unit.kind, unit.id, digest))
        return outcome

    def _compute(
        self, store: Store, unit: Unit, digest: str, lease: Lease, ranks: "Ranks"
    ) -> Outcome:
        # torch takes seconds to import, and the driver has no use for it
        from rgm_bench.evaluation.base import Place
        from rgm_bench.execution.device import take_device
        from rgm_bench.trial import run_evaluation, run_training

        folder, device = store.folder(unit.kind, unit.id, digest), take_device(self.gpus)
        match unit.kind:
            case "training":
                spec = TrainingSpec.model_validate(unit.spec, strict=False)
                return run_training(
                    spec,
                    folder=folder,
                    digest=digest,
                    device=device,
                    report=lease.update,
                    parts=self.parts,
                    ranks=ranks,
                )
            case "evaluation":
                spec = EvaluationSpec.model_validate(unit.spec, strict=False)
                place = Place(
                    weights=_weights(store, spec, unit.needs),
                    references=store.root / "references",
                    folder=folder,
                    digest=digest,
                    device=device,
                    report=lease.update,
                    parts=self.parts,
                )
                return run_evaluation(spec, place=place)
            case _:
                assert_never(unit.kind)


def _discard_checkpoint(folder: Path) -> None:
    from rgm_bench.trial import CHECKPOINT

    (folder / CHECKPOINT).unlink(missing_ok=True)


def _weights(store: Store, spec: EvaluationSpec, training_id: str | None) -> Path | None:
    """The snapshot that an evaluation measures; None if the training diverged before it.

    Raises:
        StoreError: the training is not in the store under the present code.
    """
    from rgm_bench.trial import snapshot_path

    if not isinstance(spec.source, TrainingSource) or training_id is None:
        return None
    digest = code_digest("training")
    training = store.outcome("training", training_id, digest)
    if training is None:
        raise StoreError(
            f"training {training_id} is not in {store.root} under the present code ({digest}); "
            "the same code has to run on the driver and on every worker"
        )
    images = spec.source.training.images_at(spec.source.at)
    if training.status == "diverged" and images > training.images:
        return None
    return snapshot_path(store.folder("training", training_id, digest), images)


@contextmanager
def _log_of(store: Store, unit: Unit) -> Generator[None]:
    """What the package logs meanwhile goes to `log.txt` in the unit's folder."""
    folder = store.folder(unit.kind, unit.id, code_digest(unit.kind))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(folder / "log.txt", delay=True)
    except OSError as error:
        raise StoreError(explain(error, folder)) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    package = logging.getLogger("rgm_bench")
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.removeHandler(handler)
        handler.close()
