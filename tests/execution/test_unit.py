"""A worker carries out units: what it leaves behind when something goes wrong at a bad moment."""

import itertools
import json
from dataclasses import replace

import pytest

from rgm_bench.config.spec import spec_id, stored_spec
from rgm_bench.config.trial import Trial
from rgm_bench.errors import StoreError
from rgm_bench.execution.base import ShouldStop, Unit
from rgm_bench.execution.failures import TRIED_AGAIN
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.results.store import Store, View


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def units(without_real, store) -> list[Unit]:
    return [planned.unit for planned in make_plan(without_real, View(store)).units]


def of_kind(units: list[Unit], kind: str) -> Unit:
    return next(unit for unit in units if unit.kind == kind)


def test_a_unit_is_committed_and_its_checkpoint_discarded(units, store) -> None:
    worker, training = StoreWorker(str(store.root)), of_kind(units, "training")
    assert worker(training).ending == "ok"
    (folder,) = (store.root / "trainings" / training.id).iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "result.json",
        "curve.json",
        "log.txt",
        *(f"snapshot-{images}.safetensors" for images in (32, 48, 80, 160)),
    }
    found = json.loads((folder / "result.json").read_text())
    assert found["cost"]["parameters_generator"] > 0
    assert list((store.root / "leases").iterdir()) == []


def test_a_training_in_parts_has_the_bits_of_one_at_once(units, store, tmp_path_factory) -> None:
    training = of_kind(units, "training")
    evaluation = next(unit for unit in units if unit.needs == training.id)
    at_once = Store(tmp_path_factory.mktemp("at_once"))
    assert StoreWorker(str(at_once.root))(training).ending == "ok"

    worker = StoreWorker(str(store.root))
    for images in (32, 80):
        assert worker(replace(training, images=images)).ending == "ok"
        (folder,) = (store.root / "trainings" / training.id).iterdir()
        outcome = store.outcome("training", training.id)
        assert outcome is not None
        assert (outcome.images, outcome.is_part) == (images, True)
        assert (folder / "checkpoint.safetensors").exists()
        assert worker(evaluation).ending == "failed"  # it measures the end
    assert worker(replace(training, images=48)).ending == "found"  # which is done
    assert worker(training).ending == "ok"
    assert not (folder / "checkpoint.safetensors").exists()
    assert "160 images are done" not in (folder / "log.txt").read_text()
    for images in (32, 48, 80, 160):
        name = f"{training.id}/{folder.name}/snapshot-{images}.safetensors"
        pair = [s.root / "trainings" / name for s in (store, at_once)]
        assert pair[0].read_bytes() == pair[1].read_bytes()


def test_a_share_needs_no_more_than_its_part_of_a_training(without_real, store) -> None:
    def at(trial: Trial, share: float) -> Trial:
        source = trial.spec.source.model_copy(update={"at": share})
        return replace(trial, spec=trial.spec.model_copy(update={"source": source}))

    early = replace(without_real, trials=tuple(at(t, 0.25) for t in without_real.trials[:1]))
    worker = StoreWorker(str(store.root))
    for planned in make_plan(early, View(store)).missing:
        assert worker(planned.unit).ending == "ok"
    assert not make_plan(early, View(store)).missing
    training = make_plan(early, View(store)).units[0]
    assert (training.unit.images, training.state) == (48, "done")
    whole = replace(without_real, trials=without_real.trials[:1])
    states = [(p.unit.kind, p.state) for p in make_plan(whole, View(store)).units]
    assert states == [("training", "missing"), ("evaluation", "missing")]


def test_a_commit_that_fails_costs_no_training(units, store, monkeypatch) -> None:
    worker, training = StoreWorker(str(store.root)), of_kind(units, "training")

    def full(self, outcome):
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "commit", full)
    failed = worker(training)
    assert (failed.ending, failed.reason) == ("failed", "the disk is full")
    assert failed.failure == "store error"
    monkeypatch.undo()
    assert worker(training).ending == "ok"
    (log,) = (store.root / "trainings" / training.id).glob("*/log.txt")
    assert "160 images are done of 160" in log.read_text()


def test_what_is_in_the_store_is_found_and_not_done_again(units, store, monkeypatch) -> None:
    worker, training = StoreWorker(str(store.root)), of_kind(units, "training")
    assert worker(training).ending == "ok"
    assert worker(training).ending == "found"
    store.forget("training", training.id)
    real = StoreWorker._compute

    def overtaken(*given):
        """Another process, whose lease was lost too, commits the same unit first."""
        outcome = real(*given)
        assert store.commit(outcome)
        return outcome

    monkeypatch.setattr(StoreWorker, "_compute", overtaken)
    assert worker(training).ending == "found"


def stop_at(number: int) -> ShouldStop:
    """Says no, and from the `number`th time on yes."""
    asked = itertools.count(1)
    return lambda: next(asked) >= number


def computed(store: Store, unit: Unit) -> dict[str, bytes]:
    """What a training leaves, without its result, which has seconds in it."""
    (folder,) = (store.root / "trainings" / unit.id).iterdir()
    names = ("snapshot-*", "curve.json")
    return {path.name: path.read_bytes() for name in names for path in folder.glob(name)}


@pytest.mark.parametrize("steps", [1, 2, 5, 10])  # after 2, 5 and 10 there is a snapshot
def test_a_training_that_is_stopped_goes_on_from_that_very_step(units, tmp_path, steps) -> None:
    undisturbed, stopped = Store(tmp_path / "undisturbed"), Store(tmp_path / "stopped")
    training = of_kind(units, "training")
    assert StoreWorker(str(undisturbed.root))(training).ending == "ok"
    worker = StoreWorker(str(stopped.root))
    assert worker(training, stop_at(1 + steps)).ending == "stopped"  # asked once before it begins
    assert stopped.outcome("training", training.id) is None
    assert list((stopped.root / "leases").iterdir()) == []
    assert worker(training).ending == "ok"
    assert computed(stopped, training) == computed(undisturbed, training)
    (log,) = (stopped.root / "trainings" / training.id).glob("*/log.txt")
    assert f"stopped after {steps * 16} images" in log.read_text()
    assert f"{steps * 16} images are done of 160" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_an_evaluation_that_is_stopped_leaves_no_outcome(units, store) -> None:
    worker, evaluation = StoreWorker(str(store.root)), of_kind(units, "evaluation")
    training = next(unit for unit in units if unit.id == evaluation.needs)
    assert worker(training).ending == "ok"
    assert worker(evaluation, stop_at(2)).ending == "stopped"
    assert store.outcome("evaluation", evaluation.id) is None
    assert worker(evaluation).ending == "ok"


def test_a_unit_that_is_to_stop_does_not_begin(units, store) -> None:
    assert StoreWorker(str(store.root))(of_kind(units, "training"), lambda: True).ending == (
        "stopped"
    )
    assert not list(store.root.iterdir())


@pytest.mark.parametrize("kind", ["training", "evaluation"])
def test_a_machine_with_other_code_refuses_and_writes_nothing(units, store, kind) -> None:
    digests = View(store).digests
    worker = StoreWorker(str(store.root), digests={**digests, kind: "0" * 8})
    attempt = worker(of_kind(units, kind))
    assert (attempt.ending, attempt.failure) == ("failed", "code error")
    assert attempt.failure not in TRIED_AGAIN
    for part in ("code " + "0" * 8, "code " + digests[kind], "on all machines"):
        assert part in (attempt.reason or "")
    assert not list(store.root.iterdir())
    if kind == "training":
        assert worker(of_kind(units, "evaluation")).failure == "store error"  # as without


def test_an_evaluation_without_its_training_fails_and_is_not_diverged(units, store) -> None:
    attempt = StoreWorker(str(store.root))(of_kind(units, "evaluation"))
    assert attempt.ending == "failed"
    assert "is not in" in (attempt.reason or "")
    assert store.outcome("evaluation", attempt.unit) is None


def test_a_lost_snapshot_fails_with_the_way_out(units, store) -> None:
    worker, evaluation = StoreWorker(str(store.root)), of_kind(units, "evaluation")
    training = next(unit for unit in units if unit.id == evaluation.needs)
    assert worker(training).ending == "ok"
    for snapshot in store.root.glob("trainings/*/*/snapshot-160.safetensors"):
        snapshot.write_bytes(snapshot.read_bytes()[:100])
    attempt = worker(evaluation)
    assert attempt.ending == "failed"
    assert "`rgm-bench run` of its study sets it aside" in (attempt.reason or "")


def test_what_measures_a_diverged_training_is_diverged(units, store, monkeypatch) -> None:
    worker, evaluation = StoreWorker(str(store.root)), of_kind(units, "evaluation")
    training = next(unit for unit in units if unit.id == evaluation.needs)

    def not_finite(losses, images_seen):
        from rgm_bench.errors import DivergedError

        if images_seen > 64:
            raise DivergedError("planted", images_seen)

    monkeypatch.setattr("rgm_bench.training.loop._require_finite", not_finite)
    assert worker(training).ending == "diverged"
    attempt = worker(evaluation)
    assert attempt.ending == "diverged"
    assert attempt.reason == "the training diverged before 160 images"


def test_the_id_of_a_unit_is_that_of_its_spec(units) -> None:
    from rgm_bench.config.spec import TrainingSpec

    for unit in units:
        if unit.kind == "training":
            assert spec_id(stored_spec(TrainingSpec, unit.spec)) == unit.id
