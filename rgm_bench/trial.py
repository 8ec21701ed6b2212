"""The life of a trial: a training, and an evaluation of what it made. Both read top to bottom."""

import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from PIL import Image as Picture

from rgm_bench.build import build_generator, build_images, build_sampler, build_training
from rgm_bench.config.spec import (
    SNAPSHOT_SHARES,
    DataSpec,
    EvaluationSpec,
    RealSplitSource,
    TrainingSource,
    TrainingSpec,
    canonical_json,
    spec_id,
)
from rgm_bench.cost import restoration_flops, step_flops
from rgm_bench.data.images import to_uint8
from rgm_bench.errors import DivergedError, StoreError
from rgm_bench.metrics.fidelity import Extractor, Features, generation_metrics
from rgm_bench.metrics.names import MetricName
from rgm_bench.metrics.reference import reference_features
from rgm_bench.results.files import to_json, write_whole
from rgm_bench.results.provenance import provenance
from rgm_bench.results.schema import Outcome
from rgm_bench.rng import derive_seed, generator
from rgm_bench.sampling.blocks import BLOCK, sample_blocks
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.loop import Training
from rgm_bench.types import ByteImage

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_SECONDS = 2.0
CHECKPOINT_SHARE = 0.05
"""A training saves itself every 2 seconds, or so much less often that saving takes 5 % of its time.
Neither changes a result: a resumed training has the same bits.
"""

GRID_IMAGES = 64

Report = Callable[[int, int], None]
"""Told how many images of how many are done."""

log = logging.getLogger(__name__)


def run_training(
    spec: TrainingSpec, *, folder: Path, digest: str, device: torch.device, report: Report
) -> Outcome:
    """Train, from the last checkpoint in `folder` if there is one.

    Leaves there a snapshot of the averaged weights at each of `SNAPSHOT_SHARES` and the curve. The
    caller commits the outcome, and only then discards the checkpoint. A loss that is not finite
    ends the training as `diverged`.
    """
    started = time.perf_counter()
    saved = folder / CHECKPOINT
    for leftover in folder.glob(f".{CHECKPOINT}.*"):  # of a training killed while it saved itself
        leftover.unlink()
    training = build_training(spec, device)
    checkpoint = Checkpoint.read(saved, device)
    if checkpoint is not None:
        training.resume(checkpoint)
        started -= checkpoint.notes["seconds"]
    log.info("%s images are done of %s", f"{training.images_seen:,}", f"{spec.images:,}")
    snapshot_images = {spec.images_at(share) for share in SNAPSHOT_SHARES}
    next_save = time.perf_counter() + CHECKPOINT_SECONDS

    def after_step() -> None:
        nonlocal next_save
        report(training.images_seen, spec.images)
        if training.images_seen in snapshot_images:
            _save_snapshot(training, folder)
        now = time.perf_counter()
        if now > next_save:
            _save_checkpoint(training, saved, seconds=now - started)
            took = time.perf_counter() - now
            next_save = now + max(CHECKPOINT_SECONDS, took / CHECKPOINT_SHARE)

    reason = None
    try:
        training.run(after_step)
    except DivergedError as error:
        reason = str(error)
        log.warning("diverged: %s", reason)
    seconds = time.perf_counter() - started
    write_whole(folder / "curve.json", to_json(training.curve.columns))
    if reason is None:  # what follows may run out of memory or disk, and days of work are done
        _save_checkpoint(training, saved, seconds=seconds)
    return Outcome(
        kind="training",
        id=spec_id(spec),
        digest=digest,
        status="ok" if reason is None else "diverged",
        reason=reason,
        images=training.images_seen,
        spec=json.loads(canonical_json(spec)),
        cost=_training_cost(spec, training, seconds, device),
        provenance=provenance(device.type),
    )


def run_evaluation(
    spec: EvaluationSpec,
    *,
    weights: Path | None,
    references: Path,
    folder: Path,
    digest: str,
    device: torch.device,
    report: Report,
) -> Outcome:
    """Measure generated or real images against reference images.

    Args:
        spec: what to measure.
        weights: the snapshot of a training; None for real images, and for a training that diverged
            before it came that far, which makes the evaluation `diverged` too.
        references: where features of reference images are kept.
        folder: where the grid of the first images is left.
        digest: of the code.
        device: where it runs.
        report: told how far it is.
    """
    started = time.perf_counter()
    blocks = _blocks(spec, weights, device)
    metrics: dict[str, float] = {}
    reason = None
    if blocks is None:
        reason = f"the training diverged before {spec_images(spec):,} images"
    else:
        extractor = Extractor(spec.reference.extractor, device=device)
        try:
            generated = extractor.features(_watched(blocks, spec.num_images, folder, report))
            reference = _reference(spec, extractor, references, digest)
            seed = derive_seed(spec.seed, "metrics")
            metrics = {
                str(MetricName(name, extractor.name, spec.num_images)): value
                for name, value in generation_metrics(generated, reference, seed=seed).items()
            }
        except DivergedError as error:
            reason = str(error)
    return Outcome(
        kind="evaluation",
        id=spec_id(spec),
        digest=digest,
        status="ok" if reason is None else "diverged",
        reason=reason,
        images=spec_images(spec),
        spec=json.loads(canonical_json(spec)),
        metrics=metrics,
        cost=_evaluation_cost(spec, time.perf_counter() - started, device),
        provenance=provenance(device.type),
    )


def spec_images(spec: EvaluationSpec) -> int:
    """Images that the measured model has been trained on; 0 for real images."""
    source = spec.source
    return source.training.images_at(source.at) if isinstance(source, TrainingSource) else 0


def snapshot_path(folder: Path, images_seen: int) -> Path:
    """The averaged weights of a training after so many images."""
    return folder / f"snapshot-{images_seen}.safetensors"


def load_generator(spec: TrainingSpec, weights: Path, device: torch.device) -> torch.nn.Module:
    """The generator of a training with the weights of a snapshot, ready to sample."""
    snapshot = Checkpoint.read(weights, device)
    if snapshot is None:
        raise StoreError(
            f"{weights} is missing or cut off; `rgm-bench retry STUDY ID` with the id of its "
            "training trains it again"
        )
    network = build_generator(spec.generator, spec.data.image_shape)
    network.load_state_dict(dict(snapshot.tensors))
    return network.to(device).eval().requires_grad_(False)


def _save_snapshot(training: Training, folder: Path) -> None:
    average = training.step.ema.module.state_dict()
    images_seen = training.images_seen
    snapshot = Checkpoint(average, {"images_seen": images_seen})
    write_whole(snapshot_path(folder, images_seen), snapshot.to_bytes())


def _save_checkpoint(training: Training, path: Path, *, seconds: float) -> None:
    checkpoint = training.checkpoint()
    whole = Checkpoint(checkpoint.tensors, {**checkpoint.notes, "seconds": seconds})
    write_whole(path, whole.to_bytes())


def _blocks(
    spec: EvaluationSpec, weights: Path | None, device: torch.device
) -> Iterator[ByteImage] | None:
    source = spec.source
    if isinstance(source, RealSplitSource):
        return _real_blocks(source.data, spec.num_images, spec.seed)
    assert spec.sampler is not None
    if weights is None:
        return None
    network = load_generator(source.training, weights, device)
    sampler = build_sampler(spec.sampler, source.training, network, device)
    return (
        _as_bytes(block)
        for block in sample_blocks(sampler, spec.num_images, seed=spec.seed, device=device)
    )


def _as_bytes(block: torch.Tensor) -> ByteImage:
    if not bool(torch.isfinite(block).all()):
        raise DivergedError("a generated image", 0)
    return to_uint8(block)


def _real_blocks(data: DataSpec, num: int, seed: int) -> Iterator[ByteImage]:
    images = build_images(data)
    rng = generator(torch.device("cpu"), seed, "real")
    chosen = torch.randint(len(images), (num,), generator=rng)
    return (images[part] for part in chosen.split(BLOCK))


def _watched(
    blocks: Iterator[ByteImage], num: int, folder: Path, report: Report
) -> Iterator[ByteImage]:
    done = 0
    for block in blocks:
        if done == 0:
            _save_grid(block[:GRID_IMAGES].cpu(), folder / "grid.png")
        done += len(block)
        report(done, num)
        yield block


def _save_grid(images: ByteImage, path: Path) -> None:
    """Up to 8 x 8 images, each pixel repeated until an image is 32 pixels high or more."""
    count, channels, height, width = images.shape
    columns = min(8, count)
    rows = count // columns
    grid = images[: rows * columns].reshape(rows, columns, channels, height, width)
    grid = grid.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    scale = max(1, -(-32 // height))
    grid = grid.repeat_interleave(scale, 0).repeat_interleave(scale, 1).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(grid.squeeze(-1) if channels == 1 else grid).save(path)


def _reference(spec: EvaluationSpec, extractor: Extractor, folder: Path, digest: str) -> Features:
    source = spec.source
    data = source.data if isinstance(source, RealSplitSource) else source.training.data
    data = data.model_copy(update={"split": spec.reference.split, "horizontal_flip": False})
    images = build_images(data)

    def blocks() -> Iterable[ByteImage]:
        return images.split(BLOCK)

    return reference_features(
        extractor,
        blocks,
        folder=folder,
        # other code may read or see the same images differently
        data_key=f"{canonical_json(data)} {digest}",
        split=spec.reference.split,
        number=len(images),
    )


def _training_cost(
    spec: TrainingSpec, training: Training, seconds: float, device: torch.device
) -> dict[str, float]:
    step = training.step
    prior = step.objective.prior
    return {
        "seconds": seconds,
        "images_per_second": training.images_seen / seconds,
        "flops": step_flops(spec, device) * training.images_seen,
        "peak_memory_bytes": peak_memory_bytes(device),
        "parameters_generator": _num_parameters(step.generator),
        "parameters_prior": sum(_num_parameters(network) for network in prior.networks),
    }


def _evaluation_cost(
    spec: EvaluationSpec, seconds: float, device: torch.device
) -> dict[str, float]:
    cost = {
        "seconds": seconds,
        "images_per_second": spec.num_images / seconds,
        "peak_memory_bytes": peak_memory_bytes(device),
    }
    source = spec.source
    if isinstance(source, TrainingSource):
        evaluations = source.training.method.forward.num_levels
        training = source.training
        flops = restoration_flops(training.generator, training.data.image_shape, device)
        cost |= {"nfe": evaluations, "flops": evaluations * flops * spec.num_images}
    return cost


def _num_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def peak_memory_bytes(device: torch.device) -> int:
    """The most memory that this process has held: on the GPU, or resident on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
