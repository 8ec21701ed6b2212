"""Views made again from a store with real results: MLflow on sqlite, Parquet, journals."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from rgm_bench import open_store
from rgm_bench.cli import exit_codes
from rgm_bench.cli.app import app
from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal, read_journal
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View
from rgm_bench.tracking.mlflow import tracking_uri

WRITE_AND_DIE = (
    "import os, pathlib, sys; from rgm_bench.results.journal import Journal;"
    "Journal(pathlib.Path(sys.argv[1])).append('ok', unit=str(os.getpid())); os._exit(9)"
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with one finished study, whose two drivers died, and no view of it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    view = View(Store(tmp_path / "store"))
    overrides = ["seeds=[0]", "axes.fidelity_weight.values=[0, 0.05]"]
    path = packaged_studies() / "lambda_sweep.yaml"
    study = load_study(path, profile="smoke", overrides=overrides)
    for planned in make_plan(study, view).units:
        unit, cost = planned.unit, {"seconds": 2.0, "cpus": 1.0, "gpus": 0.0}
        digest = view.digests[unit.kind]
        scores = {"fid.digits_cnn_v1.n128": 3.5} if unit.kind == "evaluation" else {}
        view.store.commit(
            Outcome(unit.kind, unit.id, digest, "ok", None, 0, unit.spec, scores, cost)
        )
    journal = view.store.claim_study_folder(study) / "journal"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(journal)], check=False)
    return view.store


def sync(store: Store, *names: str, expected: int = exit_codes.DONE) -> str:
    done = CliRunner().invoke(app, ["sync", *names, "--store", str(store.root)])
    assert done.exit_code == expected, done.output + str(done.exception)
    return done.output


def runs(store: Store) -> list[str]:
    client = MlflowClient(tracking_uri=tracking_uri(store.root))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found = client.search_runs(experiments)
    return sorted(run.data.tags["rgm.units"] for run in found if "rgm.child" in run.data.tags)


def test_views_are_made_from_the_results_and_a_second_time_nothing_is(store, tmp_path) -> None:
    folder = store.root / "studies" / "lambda_sweep" / "smoke"
    events = list(read_journal(folder / "journal"))
    living = Journal(folder / "journal")  # of this process
    said = sync(store)
    assert "4 runs written to MLflow, trials.parquet written, 2 journal segments made one" in said
    first = runs(store)
    assert len(first) == 4  # two arms, and real images of two splits
    living.close()
    assert list(read_journal(folder / "journal")) == events
    trials = pd.read_parquet(folder / "trials.parquet")
    assert trials["fid.digits_cnn_v1.n128"].tolist() == [3.5] * 4
    frame = open_store(store.root).evaluations()
    assert sorted(frame["id"]) == sorted(trials["evaluation_id"])

    for segment in sorted((folder / "journal").glob(f"*-{os.getpid()}.jsonl")):
        segment.unlink()  # an empty one, which would be made one with the other
    assert sync(store).splitlines() == [
        "lambda_sweep/smoke: nothing new",
        "nothing new: the views had every result already",
    ]
    assert runs(store) == first

    views = shutil.ignore_patterns("mlflow.db", "mlartifacts", "trials.parquet")
    bare = Store(shutil.copytree(store.root, tmp_path / "bare", ignore=views))
    assert "4 runs written to MLflow, trials.parquet written" in sync(bare, "lambda_sweep/smoke")
    assert runs(bare) == first
    kept = bare.root / "studies" / "lambda_sweep" / "smoke" / "trials.parquet"
    assert pd.read_parquet(kept).equals(trials)


def test_a_study_that_is_not_there_is_named_with_those_that_are(store) -> None:
    done = CliRunner().invoke(app, ["sync", "lambda_swep", "--store", str(store.root)])
    assert "has no study 'lambda_swep'" in str(done.exception)
    assert "lambda_sweep/smoke" in str(done.exception)


def test_a_study_that_cannot_be_read_and_an_mlflow_that_fails_are_said(store, monkeypatch) -> None:
    path = store.root / "studies" / "lambda_sweep" / "smoke" / "study.json"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    said = sync(store, expected=exit_codes.USAGE)
    assert "MLflow at http://127.0.0.1:9 failed" in said
    assert "trials.parquet written" in said
    path.write_text(path.read_text().replace('"grammar": 1', '"grammar": 99'))
    assert "this study cannot be read" in sync(store, expected=exit_codes.USAGE)
