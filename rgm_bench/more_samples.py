"""More images from a training that is in the store."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import torch
from PIL import Image as Picture

from rgm_bench.build.sampling import build_sampler
from rgm_bench.config.spec import (
    DdpmSpec,
    DiffusionSamplerSpec,
    RestorationSamplerSpec,
    SamplerSpec,
    TrainingSpec,
    is_images,
    stored_spec,
)
from rgm_bench.data.images import to_uint8
from rgm_bench.errors import StoreError, UserError
from rgm_bench.evaluation.model import load_generator
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, snapshot_path
from rgm_bench.sampling.blocks import sample_blocks
from rgm_bench.types import ByteImage

DPM_STEPS = 20
"""Evaluations of the network for an image of a DDPM."""


def finished_training(prefix: str, store: Store) -> Outcome:
    """The one training whose id starts with `prefix`.

    Raises:
        StoreError: there is none, there are several, or it has not finished.
    """
    kind, unit_id = store.find(prefix)
    outcome = store.outcome(kind, unit_id)
    if kind != "training" or outcome is None or outcome.status != "ok":
        raise StoreError(
            f"{kind} {unit_id} is not a finished training; "
            "`rgm-bench plan STUDY --units` lists trainings"
        )
    return outcome


@final
@dataclass(frozen=True)
class Snapshot:
    """The averaged weights that a training in a store had after so many images."""

    training_id: str
    training: TrainingSpec
    weights: Path


def last_snapshot(outcome: Outcome, store: Store) -> Snapshot:
    """The snapshot at the end of a training.

    Args:
        outcome: of the training.
        store: that holds it.
    """
    folder = store.folder("training", outcome.id, outcome.digest)
    return snapshot_of(outcome, store, snapshot_path(folder, outcome.images))


def snapshot_of(outcome: Outcome, store: Store, weights: Path) -> Snapshot:
    """A snapshot of a training, by its file.

    Raises:
        DamagedError: it is not what the training wrote.
    """
    store.prove(weights, outcome.files.get(weights.name))
    training = stored_spec(TrainingSpec, outcome.spec)
    return Snapshot(outcome.id, training, weights)


def sampled(
    snapshot: Snapshot, *, num: int, seed: int, device: torch.device
) -> Iterator[ByteImage]:
    """Images of a snapshot in blocks, by the usual sampler of its method.

    Args:
        snapshot: whose weights generate them.
        num: of images.
        seed: of the images; image k is the same for every `num`.
        device: where they are generated.

    Raises:
        StoreError: the snapshot is missing or cut off.
        UserError: the training makes points, or an image is not finite.
    """
    training = snapshot.training
    require_images(snapshot)
    network = load_generator(training, snapshot.weights, device)
    sampler = build_sampler(_usual_sampler(training), training, network, device)
    for block in sample_blocks(sampler, num, seed=seed, device=device):
        if not bool(torch.isfinite(block).all()):
            raise UserError(f"{snapshot.weights} generates images that are not finite numbers")
        yield to_uint8(block)


def require_images(snapshot: Snapshot) -> None:
    """Refuse the snapshot of a training that makes points.

    Raises:
        UserError: it is one.
    """
    data = snapshot.training.data
    if not is_images(data):
        raise UserError(f"training {snapshot.training_id} makes points of {data.kind}, not images")


def generate(outcome: Outcome, store: Store, *, num: int, seed: int) -> ByteImage:
    """`num` images of the averaged weights at the end of a finished training.

    Args:
        outcome: of the training.
        store: that holds it.
        num: of images.
        seed: of the images; image k is the same for every `num`.

    Raises:
        UserError: the training makes points.
    """
    snapshot, device = last_snapshot(outcome, store), torch.device("cpu")
    return torch.cat(list(sampled(snapshot, num=num, seed=seed, device=device)))


def _usual_sampler(spec: TrainingSpec) -> SamplerSpec:
    if isinstance(spec.method, DdpmSpec):
        return DiffusionSamplerSpec(kind="dpm_solver", steps=min(DPM_STEPS, spec.num_levels))
    return RestorationSamplerSpec(kind="restoration")


def save_samples(outcome: Outcome, store: Store, *, num: int, seed: int, folder: Path) -> None:
    """Write `num` images as `<number>.png` into `folder`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(generate(outcome, store, num=num, seed=seed)):
            pixels = image.permute(1, 2, 0).squeeze(-1).numpy()
            Picture.fromarray(pixels).save(folder / f"{index:05}.png")
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror or error}; --out names another one") from error
