"""A disk that is really full, or read-only, is named wherever it hits, and costs nothing else."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.errors import StoreError
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal, read_journal
from rgm_bench.results.lease import Lease
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View
from rgm_bench.tracking.background import BackgroundTracker
from rgm_bench.tracking.mlflow import MlflowTracker
from tests.small_disk import BLOCK, SmallDisk, mounted

pytestmark = pytest.mark.process

STUDY = Path(__file__).parents[1] / "studies" / "lambda_sweep.yaml"
OVERRIDES = (
    "seeds=[0]",
    "axes.fidelity_weight.values=[0, 0.05]",
    "training.images=160",
    "training.batch_size=16",
    "training.generator.base_channels=8",
    "evaluations.generation.num_images=64",
)
FULL = "the disk is full; free some space"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path / "disk", size=32 * 2**20) as disk:
        yield disk


@pytest.fixture
def training() -> Unit:
    study = load_study(STUDY, profile="smoke", overrides=OVERRIDES)
    units = make_plan(study, View(Store(Path("nowhere")))).units
    return next(planned.unit for planned in units if planned.unit.kind == "training")


def computed(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("trainings/*/*/snapshot-*")}


def files(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*") if path.is_file()} - {".filler"}


def test_a_store_on_a_full_disk_is_refused_before_any_work(disk) -> None:
    disk.fill()
    with pytest.raises(StoreError, match=FULL):
        Store(disk.root).prepare()
    assert files(disk.root) == set()


def test_a_lease(disk) -> None:
    (disk.root / "leases").mkdir()
    disk.fill()
    with pytest.raises(StoreError, match=rf"leases: {FULL}"):
        Lease.acquire(disk.root / "leases", "training", "u")
    disk.empty()
    assert Lease.acquire(disk.root / "leases", "training", "u") is not None


def test_a_commit(disk) -> None:
    outcome = Outcome("training", "a" * 16, "d" * 8, "ok", None, 64, {"seed": 0})
    store = Store(disk.root)
    store.folder("training", outcome.id, outcome.digest).mkdir(parents=True)
    disk.fill()
    with pytest.raises(StoreError, match=FULL):
        store.commit(outcome)
    assert files(disk.root) == set()
    disk.empty()
    assert store.commit(outcome)


def test_a_training_fails_as_a_store_error_and_then_ends_with_the_same_bits(
    disk, training, tmp_path
) -> None:
    elsewhere = StoreWorker(str(tmp_path / "elsewhere"))
    assert elsewhere(training).ending == "ok"
    snapshot = next((tmp_path / "elsewhere").glob("trainings/*/*/snapshot-32.*")).stat().st_size
    disk.fill(free=2 * snapshot)  # room to begin and for the first snapshot
    worker = StoreWorker(str(disk.root))
    attempt = worker(training)
    assert (attempt.ending, attempt.failure) == ("failed", "store error")
    assert FULL in (attempt.reason or "")
    assert str(disk.root) in (attempt.reason or "")
    disk.empty()
    assert worker(training).ending == "ok"
    assert computed(disk.root) == computed(tmp_path / "elsewhere")


def test_a_journal_keeps_what_it_said_it_kept(disk) -> None:
    journal = Journal(disk.root / "journal")
    journal.append("submitted", number=0)
    disk.fill()
    # longer than the rest of the block: the disk takes its first part
    with pytest.raises(StoreError, match=rf"journal: {FULL}"):
        journal.append("submitted", number=1, unit="u" * 2 * BLOCK)
    disk.empty()
    journal.append("submitted", number=2)
    assert [event["number"] for event in read_journal(disk.root / "journal")] == [0, 2]


@pytest.mark.parametrize(("full", "words"), [(True, "is full"), (False, "cannot be written")])
def test_tracking(disk, tmp_path, monkeypatch, full, words) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    study = load_study(STUDY, profile="smoke", overrides=OVERRIDES)
    view = View(Store(disk.root))
    # tables made elsewhere: a connection that is still open would keep the disk from a remount
    MlflowTracker(tmp_path, command=["rgm-bench"]).record(study, view)
    shutil.copy(tmp_path / "mlflow.db", disk.root)
    for trial in study.trials:
        digest = view.digests["evaluation"]
        metrics = {f"metric_{number}": 0.5 for number in range(200)}
        view.store.commit(
            Outcome("evaluation", trial.id, digest, "ok", None, 0, {}, metrics=metrics)
        )
    if full:
        disk.fill()
    else:
        disk.make_read_only()
    warnings: list[str] = []
    tracker = BackgroundTracker(
        MlflowTracker(disk.root, command=["rgm-bench"]), warn=warnings.append
    )
    tracker.record(study, view)
    tracker.close("finished")
    (warning,) = warnings
    assert words in warning
    assert "next run of this study catches up" in warning


def test_a_read_only_store_is_refused(disk) -> None:
    disk.make_read_only()
    with pytest.raises(StoreError, match="cannot be written"):
        Store(disk.root).prepare()


def test_the_command_names_the_disk_and_shows_no_traceback(disk) -> None:
    words = ["run", str(STUDY), "--profile", "smoke", "--executor", "local"]
    words += ["--store", str(disk.root / "store")]
    disk.fill()
    done = subprocess.run(
        [sys.executable, "-m", "rgm_bench", *words], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert FULL in done.stderr
    assert "Traceback" not in done.stderr
