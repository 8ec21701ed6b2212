"""How a worker carries out a unit: lease, run, commit, and never a raised error."""

import logging
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never, final

from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec
from rgm_bench.errors import StoreError, UserError
from rgm_bench.execution.base import Attempt, Ending, Unit
from rgm_bench.results.code import code_digest
from rgm_bench.results.files import explain
from rgm_bench.results.lease import Lease
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store


@final
@dataclass(frozen=True)
class StoreWorker:
    """Carries out units of a store; picklable, so that it can travel to workers.

    Args:
        root: the store's folder, as workers see it.
        gpus: of one unit; 0 keeps to the CPU even where there is a GPU.
        parts: classes of the user's own.
        cpus: of one unit, which its cost says beside the seconds.
    """

    root: str
    gpus: float = 0
    parts: Parts = NO_PARTS
    cpus: float = 1

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
        except Exception as error:  # the boundary: one bad unit must not end the study
            return attempt("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
        return attempt("busy") if outcome is None else attempt(outcome.status, outcome.reason)

    def _carry_out(self, store: Store, unit: Unit) -> Outcome | None:
        """The outcome, committed; None while another process works on the unit."""
        digest = code_digest(unit.kind)
        lease = Lease.acquire(store.root / "leases", unit.kind, unit.id)
        if lease is None:
            return None
        with lease:
            # somebody may have finished it since it was planned
            finished = store.outcome(unit.kind, unit.id, digest)
            if finished is not None:
                return finished
            outcome = self._compute(store, unit, digest, lease)
            given = {"cpus": self.cpus, "gpus": self.gpus}
            outcome = replace(outcome, cost={**outcome.cost, **given})
            store.commit(outcome)
            # only now: a commit that failed would have cost the whole training
            _discard_checkpoint(store.folder(unit.kind, unit.id, digest))
        return outcome

    def _compute(self, store: Store, unit: Unit, digest: str, lease: Lease) -> Outcome:
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
    """What the package logs meanwhile goes to `log.txt` in the unit's folder, errors included."""
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
    except Exception:
        package.exception("failed")
        raise
    finally:
        package.removeHandler(handler)
        handler.close()
