"""More images from a training that is in the store."""

from pathlib import Path

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
)
from rgm_bench.data.images import to_uint8
from rgm_bench.errors import UserError
from rgm_bench.evaluation.model import load_generator
from rgm_bench.results.files import to_json
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store
from rgm_bench.sampling.blocks import sample_blocks
from rgm_bench.trial import snapshot_path
from rgm_bench.types import ByteImage

DPM_STEPS = 20
"""Evaluations of the network for an image of a DDPM."""


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
    device = torch.device("cpu")
    spec = TrainingSpec.model_validate_json(to_json(outcome.spec))
    folder = store.folder("training", outcome.id, outcome.digest)
    snapshot = store.fetched(snapshot_path(folder, outcome.images))
    network = load_generator(spec, snapshot, device)
    if not is_images(spec.data):
        raise UserError(f"training {outcome.id} makes points of {spec.data.kind}, not images")
    sampler = build_sampler(_usual_sampler(spec), spec, network, device)
    return torch.cat([to_uint8(b) for b in sample_blocks(sampler, num, seed=seed, device=device)])


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
