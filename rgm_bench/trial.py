"""The life of a trial: a training, and an evaluation of what it made. Both read top to bottom."""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, assert_never

import torch

from rgm_bench.build.training import build_training
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import (
    SNAPSHOT_SHARES,
    EvaluationSpec,
    GenerateSpec,
    LatentDiversitySpec,
    PointsSpec,
    RestoreSpec,
    TrainingSource,
    TrainingSpec,
    canonical_json,
    spec_id,
)
from rgm_bench.cost import restoration_flops, step_flops
from rgm_bench.errors import DamagedError, DivergedError, StoppedError
from rgm_bench.evaluation.base import Measured, Place, Report, trained_images
from rgm_bench.evaluation.diversity import measure_diversity
from rgm_bench.evaluation.generate import measure_generation
from rgm_bench.evaluation.points import measure_points
from rgm_bench.evaluation.restore import measure_restoration
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.metrics.scores import Scores
from rgm_bench.ranks import ALONE, Ranks
from rgm_bench.results.files import to_json, write_whole
from rgm_bench.results.provenance import provenance
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import snapshot_path
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.loop import Training

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_SECONDS = 2.0
CHECKPOINT_SHARE = 0.05
"""A training saves itself every 2 seconds, or so much less often that saving takes 5 % of its time.
Neither changes a result: a resumed training has the same bits.
"""

log = logging.getLogger(__name__)


def run_training(
    spec: TrainingSpec,
    *,
    folder: Path,
    digest: str,
    device: torch.device,
    report: Report,
    until: int | None = None,
    parts: Parts = NO_PARTS,
    ranks: Ranks = ALONE,
    set_aside: Callable[[Path], object] | None = None,
) -> Outcome:
    """Train, from the last checkpoint in `folder` if there is one.

    Of several processes the first does this, and the others `join_training`. A checkpoint does not
    know how many they were.

    Leaves there a snapshot of the averaged weights at each of `SNAPSHOT_SHARES` and the curve. The
    caller commits the outcome, and discards the checkpoint of a whole training only then. A loss
    that is not finite ends the training as `diverged`.

    Args:
        spec: what to train.
        folder: of the training.
        digest: of the code.
        device: to train on.
        report: told after each step how many images are done, of how many.
        until: images to stop after; those that are left can be done later, with the same bits.
        parts: classes of the user's own.
        ranks: the processes that share it.
        set_aside: moves a damaged checkpoint out of the way, after which the training begins anew;
            None has it written over.

    Raises:
        StoppedError: `report` raised it; a checkpoint of the last step is in `folder`.
    """
    started = time.perf_counter()
    saved = folder / CHECKPOINT
    for leftover in folder.glob(f".{CHECKPOINT}.*"):  # of a training killed while it saved itself
        leftover.unlink()
    training = build_training(spec, device, parts, ranks)
    # what the others are sent lies in memory that all of them have
    unit = f"{spec_id(spec)}/{digest}"
    memory = device if ranks.num == 1 else torch.device("cpu")
    checkpoint = ranks.from_first(_read_checkpoint(saved, unit, memory, set_aside))
    files: dict[str, str] = {}
    if checkpoint is not None:
        training.resume(checkpoint)
        started -= checkpoint.notes["seconds"]
        files |= checkpoint.notes["files"]
    last = spec.images if until is None else until
    log.info("%s images are done of %s", f"{training.images_seen:,}", f"{last:,}")
    snapshot_images = {spec.images_at(share) for share in SNAPSHOT_SHARES}
    next_save = time.perf_counter() + CHECKPOINT_SECONDS

    def save_checkpoint(*, seconds: float) -> None:
        notes = {"seconds": seconds, "unit": unit, "files": files}
        _save_checkpoint(training, saved, notes)

    def after_step() -> None:
        nonlocal next_save
        if training.images_seen in snapshot_images:
            files.update([_save_snapshot(training, folder)])
        now = time.perf_counter()
        if now > next_save:
            save_checkpoint(seconds=now - started)
            took = time.perf_counter() - now
            next_save = now + max(CHECKPOINT_SECONDS, took / CHECKPOINT_SHARE)
        report(training.images_seen, last)  # at the end of it, since it may end the training here

    reason = None
    try:
        training.run(after_step, until=last)
    except DivergedError as error:
        reason = str(error)
        log.warning("diverged: %s", reason)
    except StoppedError:
        save_checkpoint(seconds=time.perf_counter() - started)
        log.info("stopped after %s images", f"{training.images_seen:,}")
        raise
    seconds = time.perf_counter() - started
    curve = to_json(training.curve.columns)
    write_whole(folder / "curve.json", curve)
    if reason is None:  # what follows may run out of memory or disk, and days of work are done
        save_checkpoint(seconds=seconds)
    cost = Scores.of(_training_cost(spec, training, seconds, device, parts))
    return Outcome(
        kind="training",
        id=spec_id(spec),
        digest=digest,
        status="ok" if reason is None else "diverged",
        reason=reason,
        images=training.images_seen,
        spec=json.loads(canonical_json(spec)),
        cost=cost.metrics,
        gaps=cost.gaps,
        provenance=provenance(device.type) | {"processes": ranks.num},
        files=files | {"curve.json": sha256(curve).hexdigest()},
    )


def join_training(
    spec: TrainingSpec,
    *,
    device: torch.device,
    ranks: Ranks,
    until: int | None = None,
    parts: Parts = NO_PARTS,
) -> None:
    """Take part in a training that the first process runs and writes down: see `run_training`."""
    training = build_training(spec, device, parts, ranks)
    checkpoint = ranks.from_first(None)
    if checkpoint is not None:
        training.resume(checkpoint)
    with suppress(DivergedError):  # the first process has it too, and says so
        training.run(lambda: None, until=until)


def run_evaluation(spec: EvaluationSpec, *, place: Place) -> Outcome:
    """Measure a model, or real data.

    A training that diverged before the snapshot it would have been measured at (`place.weights` is
    None) makes the evaluation `diverged` too, and so does a sample that is not finite.
    """
    started = time.perf_counter()
    scores = cost = Scores()
    reason = None
    if isinstance(spec.source, TrainingSource) and place.weights is None:
        reason = f"the training diverged before {trained_images(spec):,} images"
    else:
        try:
            measured = _measure(spec, place)
            scores = measured.scores.named(spec.measure.space, spec.measure.count)
            seconds = time.perf_counter() - started
            cost = Scores.of(_evaluation_cost(spec, measured, seconds, place.device))
        except DivergedError as error:
            reason = str(error)
    return Outcome(
        kind="evaluation",
        id=spec_id(spec),
        digest=place.digest,
        status="ok" if reason is None else "diverged",
        reason=reason,
        images=trained_images(spec),
        spec=json.loads(canonical_json(spec)),
        metrics=scores.metrics,
        gaps={**scores.gaps, **cost.gaps},
        cost={"seconds": time.perf_counter() - started, **cost.metrics},
        provenance=provenance(place.device.type),
        files={path.name: file_sha256(path) for path in _written_files(place.folder)},
        weights=place.weights_sha256,
    )


def _written_files(folder: Path) -> Iterator[Path]:
    """The pictures and points that an evaluation has left beside its numbers."""
    return (path for path in sorted(folder.glob("[!.]*")) if path.suffix in (".png", ".npy"))


def _measure(spec: EvaluationSpec, place: Place) -> Measured:
    match spec.measure:
        case GenerateSpec():
            return measure_generation(spec, spec.measure, place)
        case PointsSpec():
            return measure_points(spec, spec.measure, place)
        case RestoreSpec():
            return measure_restoration(spec, spec.measure, place)
        case LatentDiversitySpec():
            return measure_diversity(spec, spec.measure, place)
        case _:
            assert_never(spec.measure)


def _save_snapshot(training: Training, folder: Path) -> tuple[str, str]:
    """The name of the file and its sha256."""
    average = training.step.ema.module.state_dict()
    images_seen = training.images_seen
    content = Checkpoint(average, {"images_seen": images_seen}).to_bytes()
    path = snapshot_path(folder, images_seen)
    write_whole(path, content)
    return path.name, sha256(content).hexdigest()


def _save_checkpoint(training: Training, path: Path, notes: Mapping[str, Any]) -> None:
    checkpoint = training.checkpoint()
    write_whole(path, Checkpoint(checkpoint.tensors, {**checkpoint.notes, **notes}).to_bytes())


def _read_checkpoint(
    path: Path, unit: str, device: torch.device, set_aside: Callable[[Path], object] | None
) -> Checkpoint | None:
    """The checkpoint of a unit, or None if there is none that is proven."""
    try:
        checkpoint = Checkpoint.read(path, device)
        if checkpoint is not None and checkpoint.notes.get("unit") != unit:
            raise DamagedError(path, "it is of another training")
    except DamagedError as error:
        log.warning("%s: %s; the training begins anew", path, error.found)
        if set_aside is not None:
            set_aside(path)
        return None
    return checkpoint


def _training_cost(
    spec: TrainingSpec, training: Training, seconds: float, device: torch.device, parts: Parts
) -> dict[str, float]:
    step = training.step
    return {
        "seconds": seconds,
        "images_per_second": training.images_seen / seconds,
        "flops": step_flops(spec, device, parts) * training.images_seen,
        "peak_memory_bytes": peak_memory_bytes(device),
        "parameters_generator": _num_parameters(step.generator),
        "parameters_prior": sum(_num_parameters(network) for network in step.networks),
    }


def _evaluation_cost(
    spec: EvaluationSpec, measured: Measured, seconds: float, device: torch.device
) -> dict[str, float]:
    count, evaluations = spec.measure.count, measured.network_evaluations
    cost = {
        "images_per_second": count / seconds,
        "peak_memory_bytes": peak_memory_bytes(device),
    }
    if isinstance(spec.source, TrainingSource):
        training = spec.source.training
        flops = restoration_flops(training.generator, training.data.event_shape, device)
        cost |= {"nfe": evaluations, "flops": evaluations * flops * count}
    return cost


def _num_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that this process has held: on the GPU, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
