"""A worker looks whether its data are those that the id names."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rgm_bench.config.load import load_study
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.results.store import Store, View
from tests.data_sets.conftest import cifar_batch, python_two_pickle

STUDY = """\
grammar: 1
name: pets
title: pictures of one's own
base:
  training: {preset: rgm_patches, data: DATA, images: 64, ema: {decay: 0.01},
    optimizer: {decay: {horizon_images: 64}}}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration, start: end_distribution, noise_factor: 0.999}
      num_images: 16
      reference: {split: train, extractor: EXTRACTOR}
axes:
  fidelity_weight: {field: training.method.fidelity_weight, values: [0.004]}
seeds: [0]
resources: {cpus: 1, gpus: 0}
report:
  - {kind: table, rows: fidelity_weight, columns: [fid]}
profiles:
  smoke: {}
  laptop: {}
"""
FOLDER = "{kind: image_folder, name: pets, image_size: 16}", "patches16_cnn_v1"
SUBSET = "{kind: cifar10, subset: tiny}", "inception_v3_compat"


def write_pets(root: Path, seed: int) -> None:
    folder = root / "pets/train"
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{number}.png")


def write_tiny(root: Path, seed: int) -> None:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(exist_ok=True)
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (folder / name).write_bytes(python_two_pickle(cifar_batch(4, seed)))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RGM_BENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("write", "data"), [(write_pets, FOLDER), (write_tiny, SUBSET)], ids=["folder", "subset"]
)
@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_other_images_than_those_planned_with_are_a_data_error(
    root: Path, write, data: tuple[str, str], kind: str
) -> None:
    path = root.parent / "pets.yaml"
    path.write_text(STUDY.replace("DATA", data[0]).replace("EXTRACTOR", data[1]))
    write(root, seed=0)
    study, store = load_study(path), Store(root.parent / "store")
    units = [planned.unit for planned in make_plan(study, View(store)).units]
    unit = next(unit for unit in units if unit.kind == kind and unit.needs is None)
    write(root, seed=1)  # as on a node with a copy of its own
    attempt = StoreWorker(str(store.root))(unit)
    assert (attempt.ending, attempt.failure) == ("failed", "data error")
    assert "than those that were planned with" in (attempt.reason or "")
    assert store.outcome(kind, unit.id) is None
    assert not list(store.root.glob("references/*"))


def test_a_subset_has_ids_and_a_title_of_its_own(root: Path) -> None:
    path, found = root.parent / "pets.yaml", []
    for name, seed in (("tiny", 0), ("tiny", 1), ("other", 1), ("tiny", 0)):
        write_tiny(root, seed)
        data = SUBSET[0].replace("tiny", name)
        path.write_text(STUDY.replace("DATA", data).replace("EXTRACTOR", SUBSET[1]))
        found.append(load_study(path))
    ids = [study.trials[0].training_id for study in found]
    assert ids[0] == ids[3]
    assert len(set(ids)) == 3
    assert found[0].title == "pictures of one's own (subset tiny of cifar10)"
