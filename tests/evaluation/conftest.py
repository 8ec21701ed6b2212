"""Small trainings that are measured: each is trained once, whichever test asks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec, spec_id
from rgm_bench.evaluation.base import Place
from rgm_bench.results.schema import Outcome
from rgm_bench.trial import run_evaluation, run_training, snapshot_path

CPU = torch.device("cpu")
NOISE = {"kind": "noise", "num_levels": 4}
DIFFUSION = {"kind": "noise", "num_levels": 24, "schedule": "linear"}

COMMON: dict[str, Any] = {
    "optimizer": {
        "learning_rate": 1e-3,
        "betas": (0.5, 0.9),
        "decay": {"kind": "cosine", "horizon_images": 960, "final_learning_rate": 1e-5},
    },
    "ema": {"decay": 0.3},
    "images": 64,
    "batch_size": 16,
    "seed": 0,
}
DIGITS = COMMON | {
    "data": {"kind": "digits"},
    "generator": {
        "kind": "ncsnpp",
        "base_channels": 8,
        "channel_multipliers": (1, 2),
        "blocks_per_level": 1,
        "attention_resolutions": (),
        "latent": {"kind": "gaussian", "size": 4, "embedding": 8, "layers": 1},
    },
}
PLANE = COMMON | {
    "data": {"kind": "gmm8", "num_points": 512},
    "generator": {"kind": "mlp", "width": 8, "latent": {"kind": "gaussian", "size": 2}},
}


def rgm(bandwidth: float) -> dict[str, Any]:
    prior = {"kind": "mmd", "bandwidths": (bandwidth,)}
    return {"kind": "rgm", "forward": NOISE, "fidelity_weight": 0.1, "prior": prior}


def training(of: Mapping[str, Any], **fields: Any) -> TrainingSpec:
    """RGM with a fixed prior unless `fields` say otherwise."""
    return TrainingSpec.model_validate({**of, "method": rgm(2.0), **fields})


def digits(**fields: Any) -> TrainingSpec:
    return training(DIGITS, **fields)


def plane(**fields: Any) -> TrainingSpec:
    return training(PLANE, **fields)


def ddpm(of: Mapping[str, Any]) -> TrainingSpec:
    """Predicts noise, with a linear output and no latent."""
    generator = {**of["generator"], "output": "linear"}
    generator["latent"] = {**generator["latent"], "kind": "zeros"}
    method = {"kind": "ddpm", "forward": DIFFUSION}
    return TrainingSpec.model_validate({**of, "generator": generator, "method": method})


def measured(spec: TrainingSpec, measure: Mapping[str, Any], **fields: Any) -> EvaluationSpec:
    """A measurement of the end of a training."""
    source = TrainingSource(kind="training", training=spec, at=fields.pop("at", 1.0))
    return EvaluationSpec.model_validate({"source": source, "measure": measure, "seed": 0} | fields)


def real(data: Mapping[str, Any], measure: Mapping[str, Any], seed: int = 0) -> EvaluationSpec:
    """A measurement of real data."""
    source = {"kind": "real_split", "data": data}
    return EvaluationSpec.model_validate({"source": source, "measure": measure, "seed": seed})


Evaluate = Callable[..., Outcome]
PlaceOf = Callable[..., Place]


@pytest.fixture(scope="session")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Callable[[TrainingSpec], Path]:
    """The folder of a training, which is run the first time."""
    root = tmp_path_factory.mktemp("trainings")

    def folder_of(spec: TrainingSpec) -> Path:
        folder = root / spec_id(spec)
        if not folder.exists():
            folder.mkdir()
            run_training(spec, folder=folder, digest="0" * 8, device=CPU, report=lambda *_: None)
        return folder

    return folder_of


@pytest.fixture
def place_of(trainings, tmp_path_factory: pytest.TempPathFactory) -> PlaceOf:
    """Where a measurement runs, its training there already."""
    references = tmp_path_factory.getbasetemp() / "references"

    def make(spec: EvaluationSpec, **fields: Any) -> Place:
        weights = None
        if isinstance(spec.source, TrainingSource):
            images = spec.source.training.images_at(spec.source.at)
            weights = snapshot_path(trainings(spec.source.training), images)
        settings: dict[str, Any] = {
            "weights": weights,
            "references": references,
            "folder": tmp_path_factory.mktemp("evaluation"),
            "digest": "0" * 8,
            "device": CPU,
            "report": lambda done, num: None,
        }
        return Place(**(settings | fields))

    return make


@pytest.fixture
def evaluate(place_of: PlaceOf) -> Evaluate:
    """Carries a measurement out; `fields` replace parts of the place."""

    def run(spec: EvaluationSpec, **fields: Any) -> Outcome:
        return run_evaluation(spec, place=place_of(spec, **fields))

    return run
