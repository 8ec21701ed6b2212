"""Real digits as PNG files, and a store with one small training and what a study says of it."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image

from rgm_bench.config.spec import EvaluationSpec, TrainingSource, spec_id
from rgm_bench.data.images import load_images
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.metrics.fidelity import Extractor
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store
from tests.evaluation.conftest import digits, measured, plane


def write_pictures(folder: Path, images: torch.Tensor, *, suffix: str = ".png") -> Path:
    """Images as the files `<number><suffix>`, grey ones with one channel."""
    folder.mkdir(parents=True)
    for index, image in enumerate(images):
        pixels = image.permute(1, 2, 0).squeeze(-1).numpy()
        Image.fromarray(pixels).save(folder / f"{index:05}{suffix}")
    return folder


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return Extractor("digits_cnn_v1")


@pytest.fixture(scope="session")
def train() -> torch.Tensor:
    return load_images(kind="digits", split="train")


@pytest.fixture(scope="session")
def digit_files(train: torch.Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All real digits to train on."""
    return write_pictures(tmp_path_factory.mktemp("digits") / "train", train)


@dataclass(frozen=True)
class Trained:
    """A store, a training in it, and its evaluation of 320 images at the end with seed 3."""

    store: Store
    training: Outcome
    evaluation: Outcome

    def snapshot(self, images: int) -> Path:
        folder = self.store.folder("training", self.training.id, self.training.digest)
        return folder / f"snapshot-{images}.safetensors"


def study_of(share: float, num: int, seed: int) -> EvaluationSpec:
    measure = {
        "kind": "generate",
        "sampler": {"kind": "restoration"},
        "num_images": num,
        "reference": {"split": "train", "extractor": "digits_cnn_v1"},
    }
    return measured(digits(), measure, at=share, seed=seed)


def carry_out(store: Store, spec: EvaluationSpec) -> Outcome:
    """What an evaluation comes to, in a store that has its training or not."""
    assert isinstance(spec.source, TrainingSource)
    training = spec.source.training
    worker = StoreWorker(str(store.root))
    needs = spec_id(training)
    assert worker(Unit("training", needs, training.model_dump(mode="json"))).ending in (
        "ok",
        "found",
    )
    attempt = worker(Unit("evaluation", spec_id(spec), spec.model_dump(mode="json"), needs))
    assert attempt.ending in ("ok", "found"), attempt
    outcome = store.outcome("evaluation", spec_id(spec))
    assert outcome is not None
    return outcome


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    store = Store(tmp_path_factory.mktemp("trained") / "store")
    evaluation = carry_out(store, study_of(1.0, 320, 3))
    training = store.outcome("training", spec_id(digits()))
    assert training is not None
    return Trained(store, training, evaluation)


@pytest.fixture(scope="session")
def trained_on_points(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("points") / "store")
    spec = plane()
    unit = Unit("training", spec_id(spec), spec.model_dump(mode="json"))
    assert StoreWorker(str(store.root))(unit).ending in ("ok", "found")
    return store
