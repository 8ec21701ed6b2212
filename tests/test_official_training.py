"""A published checkpoint in a store is a training that anything can measure."""

from pathlib import Path

import pytest
import torch

from rgm_bench.config.spec import TrainingSpec, spec_id, stored_spec
from rgm_bench.errors import DataError, StoreError
from rgm_bench.evaluation.model import load_generator
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.models.official import read_state
from rgm_bench.official_training import Imported, checkpoint_sha256, import_checkpoint
from rgm_bench.results.code import code_digest
from rgm_bench.results.store import Store
from rgm_bench.trial import snapshot_path
from tests.checkpoints import small_checkpoint, small_training
from tests.vectors import difference, load

CPU = torch.device("cpu")


def imported(folder: Path, store: Store) -> Imported:
    path = small_checkpoint(folder)
    return import_checkpoint(path, small_training(file_sha256(path)), store)


def test_the_store_holds_the_published_function(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    outcome = imported(tmp_path, store).outcome
    spec = stored_spec(TrainingSpec, outcome.spec)
    folder = store.folder("training", outcome.id, outcome.digest)
    network = load_generator(spec, snapshot_path(folder, spec.images_at(1.0)), CPU)
    tensors, _ = load("generator_16px")
    found = network(tensors["input.x"], tensors["input.t"], tensors["input.z"])
    assert difference(found, tensors["output.x0"]) < 1e-5


def test_what_it_leaves_is_what_is_known(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    outcome = imported(tmp_path, store).outcome
    path = tmp_path / "netG_1300.pth"
    assert outcome == store.outcome("training", outcome.id, code_digest("training"))
    assert outcome.id == spec_id(small_training(file_sha256(path)))
    assert (outcome.status, outcome.images) == ("ok", 640)
    origin = {"file": path.name, "sha256": file_sha256(path)}
    assert outcome.provenance["imported_from"] == origin
    parameters = sum(tensor.numel() for tensor in read_state(path, "ema").values())
    assert outcome.cost == {"parameters_generator": parameters}


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    first = imported(tmp_path, store)
    files = {p: p.stat().st_mtime_ns for p in store.root.rglob("*") if p.is_file()}
    second = imported(tmp_path, store)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.outcome == second.outcome
    assert {p: p.stat().st_mtime_ns for p in store.root.rglob("*") if p.is_file()} == files


def test_a_snapshot_that_was_lost_is_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    outcome = imported(tmp_path, store).outcome
    snapshot = snapshot_path(store.folder("training", outcome.id, outcome.digest), 640)
    content = snapshot.read_bytes()
    snapshot.unlink()
    assert imported(tmp_path, store).is_new
    assert snapshot.read_bytes() == content


def test_another_network_is_refused_by_its_first_misfit_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    path = small_checkpoint(tmp_path)
    wider = small_training(file_sha256(path)).generator.model_copy(update={"base_channels": 32})
    spec = small_training(file_sha256(path), generator=wider.model_dump())
    with pytest.raises(
        DataError, match=r"all_modules\.0\.weight: found \(64, 16\), expected \(128"
    ):
        import_checkpoint(path, spec, Store(tmp_path / "results"))
    assert not (tmp_path / "results").exists()


def test_another_file_than_that_of_the_training_is_refused(tmp_path: Path) -> None:
    path = small_checkpoint(tmp_path)
    with pytest.raises(
        DataError, match=f"has the sha256 {file_sha256(path)}; the training is of a"
    ):
        import_checkpoint(path, small_training("a" * 64), Store(tmp_path / "results"))


def test_a_missing_file_and_a_store_that_cannot_be_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such checkpoint"):
        checkpoint_sha256(tmp_path / "none.pth")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        checkpoint_sha256(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another store with --store"):
        imported(tmp_path, Store(tmp_path / "file"))
