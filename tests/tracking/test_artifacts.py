"""A store that is moved or copied keeps the pictures that MLflow shows of it."""

import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

from rgm_bench.errors import StoreError
from rgm_bench.tracking.artifacts import relocate
from rgm_bench.tracking.mlflow import MlflowTracker, tracking_uri
from tests.tracking.conftest import FakeStore, FakeView


@pytest.fixture
def old(tmp_path: Path, empty_database: Path) -> Path:
    """The folder of a store, with a space in its path."""
    root = tmp_path / "o ld"
    root.mkdir()
    shutil.copy(empty_database, root)
    return root


def record(study, view: FakeView, root: Path, *trials) -> MlflowTracker:
    """Finish trials, and copy what is finished into the MLflow of the store at `root`.

    As a process of its own would: MLflow remembers in each where a run has its pictures.
    """
    _artifact_repos_cache.clear()
    here = replace(view, store=FakeStore(root))
    here.finish(*trials)
    tracker = MlflowTracker(root, command=["rgm-bench"])
    tracker.record(study, here)
    tracker.close("finished")
    return tracker


def runs(root: Path) -> list[Run]:
    client = MlflowClient(tracking_uri=tracking_uri(root))
    experiment = client.get_experiment_by_name("sweep/smoke")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    return [run for run in found if "rgm.child" in run.data.tags]


def pictures(root: Path) -> dict[str, list[str]]:
    """The images seen at each picture of each child, as MLflow itself finds them."""
    _artifact_repos_cache.clear()
    client = MlflowClient(tracking_uri=tracking_uri(root))
    return {
        run.data.tags["rgm.child"]: sorted(
            Path(file.path).name.split("+")[2]
            for file in client.list_artifacts(run.info.run_id, "images")
            if file.path.endswith(".png")
        )
        for run in runs(root)
    }


def test_a_moved_store_keeps_its_pictures_and_makes_its_old_place_no_more(study, view, old):
    first, second, *others = study.trials
    record(study, view, old, first)
    new = old.rename(old.with_name("n ew"))
    record(study, view, new, second, *others)
    assert not old.exists()
    assert sorted(pictures(new).values()) == [["0"], *([["320", "640"]] * 4)]
    assert record(study, view, new).num_written == 0


def test_each_of_two_copies_has_pictures_of_its_own(study, view, old):
    first, second, *_ = study.trials
    record(study, view, old, first)
    copy = shutil.copytree(old, old.with_name("copy"))
    record(study, view, copy, second)
    assert list(pictures(old).values()) == [["320"]]
    assert list(pictures(copy).values()) == [["320", "640"]]
    record(study, view, old, second)
    assert list(pictures(old).values()) == list(pictures(copy).values())
    assert all(run.info.artifact_uri.startswith(copy.as_uri()) for run in runs(copy))
    assert all(run.info.artifact_uri.startswith(old.as_uri()) for run in runs(old))


def test_pictures_that_are_gone_are_made_again(study, view, old):
    record(study, view, old, *study.trials)
    before = pictures(old)
    lost = next((old / "mlartifacts").rglob("samples+step+640+*.png"))
    lost.unlink()
    assert pictures(old) != before
    assert record(study, view, old).num_written == 1
    assert pictures(old) == before
    shutil.rmtree(old / "mlartifacts")
    assert record(study, view, old).num_written == 5
    assert pictures(old) == before


def test_pictures_that_somebody_put_elsewhere_stay_there(study, view, old, tmp_path):
    client = MlflowClient(tracking_uri=tracking_uri(old))
    elsewhere = (tmp_path / "elsewhere").as_uri()
    client.create_experiment("sweep/smoke", elsewhere)
    record(study, view, old, study.trials[0])
    new = old.rename(old.with_name("new"))
    record(study, view, new, study.trials[1])
    assert {run.info.artifact_uri for run in runs(new)} == {
        f"{elsewhere}/{run.info.run_id}/artifacts" for run in runs(new)
    }


def test_a_database_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "mlflow.db").write_text("no database")
    with pytest.raises(StoreError, match=r"mlflow\.db: .*not a database; .*rgm-bench sync"):
        relocate(tmp_path)


def test_a_database_that_names_this_place_is_not_written(study, view, old):
    record(study, view, old, study.trials[0])
    with sqlite3.connect(old / "mlflow.db") as busy:
        busy.execute("BEGIN IMMEDIATE")  # whoever wants to write now has to wait
        relocate(old)


SERVE = "import sys; from pathlib import Path; from rgm_bench.tracking.ui import serve;"


@pytest.mark.process
def test_the_ui_over_a_moved_store_shows_its_pictures(study, view, old):
    record(study, view, old, study.trials[0])
    (run,) = runs(old)
    new = old.rename(old.with_name("new"))
    (picture,) = new.rglob("samples+step+320+*.png")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = f"{SERVE} serve(Path(sys.argv[1]), port=int(sys.argv[2]))"
    server = subprocess.Popen([sys.executable, "-c", script, str(new), str(port)])
    name = urllib.parse.quote(f"images/{picture.name}")
    url = f"http://127.0.0.1:{port}/get-artifact?path={name}&run_id={run.info.run_id}"
    try:
        assert _read(url, server) == picture.read_bytes()
    finally:
        server.terminate()
        server.wait()


def _read(url: str, server: subprocess.Popen[bytes]) -> bytes:
    deadline = time.monotonic() + 300
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:  # it has not begun to answer
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
