"""What the command line says of a search whose trials do not all end well."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rgm_bench.cli import exit_codes
from rgm_bench.cli.app import app
from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec, spec_id
from rgm_bench.errors import StoreError
from rgm_bench.evaluation.base import Place, trained_images
from rgm_bench.metrics.names import MetricName
from rgm_bench.results.provenance import provenance
from rgm_bench.results.schema import Outcome, Status
from tests.search.conftest import WriteSearch

Command = Callable[..., Result]
Trainings = dict[int, str]
"""What is to become of the training that is begun as the so manieth: `diverged`, or `failed`."""


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    """Trainings and evaluations take no time, and end as they are told to."""
    endings: Trainings = {}
    begun: list[str] = []

    def run_training(spec: TrainingSpec, *, digest: str, until: int | None, **_: Any) -> Outcome:
        if spec_id(spec) not in begun:
            begun.append(spec_id(spec))
        ending = endings.get(begun.index(spec_id(spec)), "ok")
        if ending == "failed":
            raise RuntimeError("planted")
        status: Status = "diverged" if ending == "diverged" else "ok"
        images = 0 if status == "diverged" else until or spec.images
        fields = spec.model_dump(mode="json")
        reason = "planted" if status == "diverged" else None
        cost = {"seconds": 1.0, "flops": 1.0}
        return Outcome("training", spec_id(spec), digest, status, reason, images, fields, cost=cost)

    def run_evaluation(spec: EvaluationSpec, *, place: Place) -> Outcome:
        is_lost = isinstance(spec.source, TrainingSource) and place.weights is None
        status: Status = "diverged" if is_lost else "ok"
        score, measure = 1 + int(spec_id(spec)[:4], 16) / 65536, spec.measure
        scores = ("fid", "inception_score", "kid", "precision", "recall")
        names = () if is_lost else [MetricName(s, measure.space, measure.count) for s in scores]
        metrics = {str(name): score for name in names}
        cost = {"seconds": 1.0, "nfe": 4.0, "flops": 1.0}
        fields, images = spec.model_dump(mode="json"), trained_images(spec)
        outcome = Outcome("evaluation", spec_id(spec), place.digest, status, None, images, fields)
        return replace(outcome, metrics=metrics, cost=cost, provenance=provenance("cpu"))

    monkeypatch.setattr("rgm_bench.trial.run_training", run_training)
    monkeypatch.setattr("rgm_bench.trial.run_evaluation", run_evaluation)
    return endings


@pytest.fixture
def command(write_search: WriteSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Calls a command for a search of twelve trials, in this process."""
    monkeypatch.chdir(tmp_path)
    write_search()

    def call(name: str, *options: str, expected: int = exit_codes.DONE) -> Result:
        local = ("--executor", "local") if name in ("run", "retry") else ()
        words = [name, "found.yaml", "--store", "store", *local, *options]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == expected, (done.output, done.exception)
        return done

    return call


def test_late_trials_that_fail_and_diverge_are_told(command: Command, planted: Trainings):
    planted |= {8: "diverged", 11: "failed"}
    said = command("run", expected=exit_codes.FAILED_UNITS).output
    assert re.search(r"diverged: training [0-9a-f]{16} \(trial \d+, seed 0\): planted", said)
    (named,) = re.findall(r"failed:   training [0-9a-f]{16} \(trial (\d+), seed 0\): code", said)
    assert int(named) > 2  # not one of those that the run began with
    assert "1 unit failed, and 1 that needs it did not run" in said


def test_a_limit_says_how_much_is_left(command: Command, planted: Trainings):
    """Twelve trainings, as many evaluations, and two of real images."""
    said = command("run", "--max-units", "11", expected=exit_codes.INCOMPLETE).output
    left = re.search(r"number of units reached with (\d+) units? and (\d+) trials? to draw", said)
    assert left is not None
    units, trials = map(int, left.groups())
    assert units + 2 * trials == 26 - 11
    assert "ran 15 units" in command("run").output


def test_a_trial_that_always_fails_can_be_given_up_and_taken_back(
    command: Command, planted: Trainings
):
    planted |= {1: "failed"}
    said = command("run", expected=exit_codes.FAILED_UNITS).output
    waits = r"trial 1 has failed, and the search waits for it: .* --give-up ([0-9a-f]{16})"
    named = re.search(waits, said)
    assert named is not None
    assert "1 failed" in table(said)
    status = command("status").output
    assert re.search(r"of 12 trials: .*1 failed", status)
    assert re.search(waits, status)

    said = command("retry", "--give-up", named[1][:8]).output
    assert f"gave up training {named[1]} (trial 1, seed 0)" in said
    assert "12 of 12 trials, 1 failed." in table(said)
    best = Path("store/studies/found/laptop/tables/best_trials.csv").read_text()
    again = command("run").output
    assert "0 to run" in again
    status = command("status").output
    assert "12 of 12 trials: 11 finished, 1 failed" in status
    assert "12 trainings: 11 done, 1 given up, 0 to run" in status

    command("publish", "--to", "published")
    published = CliRunner().invoke(app, ["report", "published/found/laptop"])
    assert table(published.output) == table(again)
    assert Path("published/found/laptop/tables/best_trials.csv").read_text() == best

    planted.clear()
    said = command("retry", named[1][:8]).output
    assert "forgot 0 units of found/laptop\ntook back 1 unit that was given up" in said
    assert "12 of 12 trials." in table(said)


def table(said: str) -> str:
    """What the caption of the best trials says of all trials."""
    found = re.search(r"A search\. (.*?\.)", said)
    assert found is not None, said
    return found[1]


def test_only_what_a_search_lacks_is_given_up(command: Command, planted: Trainings):
    planted |= {1: "failed"}
    command("run", expected=exit_codes.FAILED_UNITS)
    done = next(Path("store/trainings").glob("*/*/result.json")).parent.parent.name
    for words, message in (
        (["--give-up", "x"], r"no missing unit .* starts with 'x'; failed are: [0-9a-f]{16}$"),
        (["--give-up", done], f"no missing unit .* starts with '{done}'"),
    ):
        words = ["retry", "found.yaml", "--store", "store", *words]
        with pytest.raises(StoreError, match=message):
            CliRunner().invoke(app, words, catch_exceptions=False)
    both = ["retry", "found.yaml", done, "--give-up", done, "--store", "store"]
    assert CliRunner().invoke(app, both).exit_code == exit_codes.USAGE
