import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from rgm_bench.tracking.background import BackgroundTracker
from rgm_bench.tracking.mlflow import MlflowTracker, tracking_uri
from rgm_bench.tracking.writer import FOREIGN_SECONDS, Writer

COMMAND = ("/usr/bin/rgm-bench", "run", "studies/sweep.yaml")
FID = "fid.digits_cnn_v1.n64"


@pytest.fixture(autouse=True)
def own_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_database: Path) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_database, tmp_path)


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[MlflowTracker]:
    tracker = MlflowTracker(tmp_path, command=COMMAND)
    yield tracker
    tracker.close("finished")


def client(root: Path) -> MlflowClient:
    return MlflowClient(tracking_uri=tracking_uri(root))


def runs(root: Path, *, view_type: int = ViewType.ACTIVE_ONLY) -> list[Run]:
    experiment = client(root).get_experiment_by_name("sweep/smoke")
    return list(client(root).search_runs([experiment.experiment_id], run_view_type=view_type))


def children(root: Path) -> list[Run]:
    return [run for run in runs(root) if "rgm.child" in run.data.tags]


def parents(root: Path) -> list[Run]:
    return [run for run in runs(root) if "rgm.command" in run.data.tags]


def history(root: Path, run: Run, metric: str) -> list[tuple[int, float]]:
    found = client(root).get_metric_history(run.info.run_id, metric)
    return sorted((point.step, point.value) for point in found)


def snapshot(root: Path) -> list[tuple[str, str, int]]:
    """What a second record could change."""
    return [
        (run.info.run_id, run.info.status, len(history(root, run, FID)))
        for run in runs(root, view_type=ViewType.ALL)
    ]


@pytest.mark.parametrize("name", ["feature%2Flogin", "a?b", "a#b c", "été;&=1+2"])
def test_a_store_may_have_any_name(study, view, tmp_path, empty_database, name):
    root = tmp_path / "stores" / name
    root.mkdir(parents=True)
    shutil.copy(empty_database, root)
    view.finish(*study.trials)
    tracker = MlflowTracker(root, command=COMMAND)
    tracker.record(study, view)
    tracker.close("finished")
    assert len(children(root)) == 5
    assert [path.name for path in root.parent.iterdir()] == [name]
    assert sorted(path.name for path in root.iterdir()) == ["mlartifacts", "mlflow.db"]


def test_a_variable_that_is_set_to_nothing_changes_nothing(study, view, tmp_path, monkeypatch):
    for variable in ("MLFLOW_TRACKING_URI", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(variable, "")
    view.finish(*study.trials)
    tracker = MlflowTracker(tmp_path, command=COMMAND)
    tracker.record(study, view)
    tracker.close("finished")
    assert len(children(tmp_path)) == 5
    assert (tmp_path / "mlartifacts").is_dir()
    assert not (tmp_path / "mlruns").exists()


def test_one_parent_and_one_child_for_each_arm_and_seed(study, view, tracker, tmp_path):
    view.finish(*study.trials)
    tracker.record(study, view)
    tracker.close("finished")
    (parent,) = parents(tmp_path)
    assert len(children(tmp_path)) == 5
    assert parent.info.run_name == "rgm-bench run studies/sweep.yaml"
    assert {run.info.status for run in runs(tmp_path)} == {"FINISHED"}
    assert {run.data.tags["mlflow.parentRunId"] for run in children(tmp_path)} == {
        parent.info.run_id
    }


def test_a_second_record_adds_nothing_by_this_command_or_the_next(study, view, tracker, tmp_path):
    view.finish(*study.trials)
    tracker.record(study, view)
    tracker.close("finished")
    before = snapshot(tmp_path)
    tracker.record(study, view)
    following = MlflowTracker(tmp_path, command=COMMAND)
    following.record(study, view)
    following.close("finished")
    assert snapshot(tmp_path) == before


def test_scores_and_losses_stand_at_the_images_seen(study, view, tracker, tmp_path):
    half, whole = study.trials[:2]
    view.finish(half, whole)
    tracker.record(study, view)
    (run,) = children(tmp_path)
    scores = [view.outcome("evaluation", trial.id).metrics[FID] for trial in (half, whole)]
    assert history(tmp_path, run, FID) == [(320, scores[0]), (640, scores[1])]
    assert history(tmp_path, run, "generator_loss") == [(320, 2.0), (640, 1.0)]
    assert run.data.metrics[FID] == scores[1]  # what the table of runs shows: the last share


def test_parameters_and_tags_name_the_arm(study, view, tracker, tmp_path):
    view.finish(study.trials[-2])
    tracker.record(study, view)
    (run,) = children(tmp_path)
    assert run.data.params["arm"] == "fidelity_weight=0.05"
    assert run.data.params["seed"] == "1"
    assert run.data.params["training.method.fidelity_weight"] == "0.05"
    assert run.data.metrics["paper_lambda"] == 20
    assert f"evaluation/{study.trials[-2].id}/c0de" in run.data.tags["rgm.units"].split()


def test_a_share_that_comes_later_joins_its_run(study, view, tracker, tmp_path):
    half, whole = study.trials[:2]
    view.finish(half)
    tracker.record(study, view)
    (before,) = children(tmp_path)
    view.finish(whole)
    tracker.record(study, view)
    (after,) = children(tmp_path)
    assert after.info.run_id == before.info.run_id
    assert [step for step, _ in history(tmp_path, after, FID)] == [320, 640]
    assert len(history(tmp_path, after, "generator_loss")) == 2


def test_grids_are_images_by_step(study, view, tracker, tmp_path):
    view.finish(*study.trials[:2])
    tracker.record(study, view)
    (run,) = children(tmp_path)
    files = [file.path for file in client(tmp_path).list_artifacts(run.info.run_id, "images")]
    assert {f"samples+step+{images}" for images in (320, 640)} == {
        Path(file).name.split("+timestamp")[0] for file in files
    }


def test_new_code_gets_a_new_run_and_marks_the_old_one(study, view, tracker, tmp_path):
    view.finish(study.trials[0])
    tracker.record(study, view)
    view.digest = "beef"
    view.finish(study.trials[0])
    tracker.record(study, view)
    code = {
        run.data.tags["rgm.units"][-4:]: run.data.tags["rgm.code"] for run in children(tmp_path)
    }
    assert code == {"c0de": "older", "beef": "current"}
    view.digest = "c0de"
    view.finish(study.trials[0])
    tracker.record(study, view)
    code = {
        run.data.tags["rgm.units"][-4:]: run.data.tags["rgm.code"] for run in children(tmp_path)
    }
    assert code == {"c0de": "current", "beef": "older"}


def test_divergence_shows_as_a_failed_run_with_its_reason(study, view, tracker, tmp_path):
    view.finish(study.trials[0], diverged="generator loss is not finite after 64 images")
    tracker.record(study, view)
    (run,) = children(tmp_path)
    assert run.info.status == "FAILED"
    assert run.data.tags["rgm.reason"] == "generator loss is not finite after 64 images"


@pytest.mark.parametrize(
    ("ending", "status"), [("finished", "FINISHED"), ("killed", "KILLED"), ("failed", "FAILED")]
)
def test_the_parent_ends_as_the_command_did(study, view, tmp_path, ending, status):
    tracker = MlflowTracker(tmp_path, command=COMMAND)
    view.finish(study.trials[0])
    tracker.record(study, view)
    assert parents(tmp_path)[0].info.status == "RUNNING"
    tracker.close(ending)
    assert parents(tmp_path)[0].info.status == status


def test_a_command_that_finds_nothing_to_write_leaves_no_run(study, view, tracker, tmp_path):
    tracker.record(study, view)
    tracker.close("finished")
    assert runs(tmp_path) == []


def test_what_a_killed_command_left_half_written_is_written_anew(study, view, tracker, tmp_path):
    view.finish(*study.trials)
    tracker.record(study, view)
    half, parent = children(tmp_path)[0], parents(tmp_path)[0]
    dead = replace(Writer.this_process(), born=0)
    for run in (half, parent):
        client(tmp_path).update_run(run.info.run_id, status="RUNNING")
        client(tmp_path).set_tag(run.info.run_id, "rgm.writer", str(dead))
    following = MlflowTracker(tmp_path, command=COMMAND)
    following.record(study, view)
    following.close("finished")
    keys = [run.data.tags["rgm.child"] for run in children(tmp_path)]
    assert len(keys) == len(set(keys)) == 5
    assert half.info.run_id not in [run.info.run_id for run in children(tmp_path)]
    assert {run.info.run_id: run.info.status for run in parents(tmp_path)}[
        parent.info.run_id
    ] == "KILLED"


def leave_open(root: Path, runs: list[Run], writer: Writer) -> None:
    """Make runs what a command leaves that is killed while it writes them."""
    for run in runs:
        client(root).update_run(run.info.run_id, status="RUNNING")
        client(root).set_tag(run.info.run_id, "rgm.writer", str(writer))


def test_what_a_killed_command_left_of_another_study_is_ended(study, view, tracker, tmp_path):
    view.finish(study.trials[0])
    tracker.record(study, view)
    left = [*children(tmp_path), *parents(tmp_path)]
    leave_open(tmp_path, left, replace(Writer.this_process(), born=0))
    other = MlflowTracker(tmp_path, command=COMMAND)
    other.record(replace(study, name="another"), view)
    other.close("finished")
    assert {run.info.status for run in runs(tmp_path)} == {"KILLED"}
    # and its own next run writes the child again
    following = MlflowTracker(tmp_path, command=COMMAND)
    following.record(study, view)
    following.close("finished")
    (child,) = children(tmp_path)
    assert child.info.status == "FINISHED"
    assert history(tmp_path, child, FID)


def test_what_a_living_command_has_open_stays_open(study, view, tracker, tmp_path):
    view.finish(study.trials[0])
    tracker.record(study, view)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as living:
        leave_open(tmp_path, [*children(tmp_path), *parents(tmp_path)], Writer.of(living.pid))
        other = MlflowTracker(tmp_path, command=COMMAND)
        other.record(replace(study, name="another"), view)
        other.close("finished")
        assert {run.info.status for run in runs(tmp_path)} == {"RUNNING"}
        living.communicate(b"\n")


def test_a_command_on_another_host_lives_as_long_as_it_says_so(study, view, tracker, tmp_path):
    view.finish(study.trials[0])
    tracker.record(study, view)
    (parent,) = parents(tmp_path)
    long_ago = int(time.time()) - FOREIGN_SECONDS - 60
    elsewhere = replace(Writer.this_process(), host="another.invalid", began=long_ago)
    leave_open(tmp_path, [parent], elsewhere)

    def status_for_others() -> str:
        other = MlflowTracker(tmp_path, command=COMMAND)
        other.record(replace(study, name="another"), view)
        other.close("finished")
        return parents(tmp_path)[0].info.status

    tracker.keep_alive()
    assert status_for_others() == "RUNNING"
    client(tmp_path).set_tag(parent.info.run_id, "rgm.alive", str(long_ago))
    assert status_for_others() == "KILLED"


def test_a_run_that_another_command_is_writing_is_left_alone(study, view, tracker, tmp_path):
    view.finish(study.trials[0])
    tracker.record(study, view)
    (run,) = children(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        client(tmp_path).update_run(run.info.run_id, status="RUNNING")
        client(tmp_path).set_tag(run.info.run_id, "rgm.writer", str(Writer.of(other.pid)))
        MlflowTracker(tmp_path, command=COMMAND).record(study, view)
        assert [found.info.run_id for found in children(tmp_path)] == [run.info.run_id]
        other.communicate(b"\n")


def test_a_broken_database_is_a_warning(study, view, tmp_path, monkeypatch):
    (tmp_path / "broken.db").write_text("no database")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'broken.db'}")
    view.finish(study.trials[0])
    warnings: list[str] = []
    tracker = BackgroundTracker(MlflowTracker(tmp_path, command=COMMAND), warn=warnings.append)
    tracker.record(study, view)
    tracker.close("finished")
    (warning,) = warnings
    assert "tracking failed" in warning


RECORD = """
import sys
from pathlib import Path
from rgm_bench.tracking.mlflow import MlflowTracker
client = MlflowTracker(Path(sys.argv[1]), command=["rgm-bench"])._client()
print(len(client.search_experiments()))
"""
DIE_AT_THE_TENTH_TABLE = """
import itertools, os
from alembic.operations import Operations
whole, number = Operations.create_table, itertools.count()
def create_table(self, *args, **options):
    if next(number) == 10:
        os._exit(9)
    return whole(self, *args, **options)
Operations.create_table = create_table
"""


def test_a_command_that_is_killed_while_mlflow_makes_its_tables_leaves_none(tmp_path):
    (tmp_path / "mlflow.db").unlink()
    script = DIE_AT_THE_TENTH_TABLE + RECORD
    assert subprocess.run([sys.executable, "-c", script, tmp_path]).returncode == 9
    assert not list(tmp_path.iterdir())
    assert len(MlflowTracker(tmp_path, command=COMMAND)._client().search_experiments()) == 1


@pytest.mark.process
def test_commands_that_start_on_a_new_store_at_once_share_a_database(tmp_path):
    (tmp_path / "mlflow.db").unlink()
    words = [sys.executable, "-c", RECORD, tmp_path]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0] for process in started] == ["1\n"] * 3


def test_the_variable_of_mlflow_is_respected(study, view, tmp_path, monkeypatch):
    elsewhere = shutil.move(tmp_path / "mlflow.db", tmp_path / "elsewhere.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{elsewhere}")
    view.finish(study.trials[0])
    MlflowTracker(tmp_path, command=COMMAND).record(study, view)
    assert len(children(tmp_path)) == 1
    assert not (tmp_path / "mlflow.db").exists()


def test_nothing_is_written_beside_the_store(study, view, tracker, tmp_path):
    view.finish(study.trials[0])
    tracker.record(study, view)
    grids = {path.name for path in tmp_path.glob("*.png")}
    assert {path.name for path in tmp_path.iterdir()} - grids == {"mlflow.db", "mlartifacts"}


def test_importing_the_tracker_does_not_import_mlflow():
    code = "import sys, rgm_bench.tracking.mlflow; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ).returncode == 0
