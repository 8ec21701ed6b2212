"""What the command line says of a search whose trials do not all end well."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rgm_bench.cli import exit_codes
from rgm_bench.cli.app import app
from rgm_bench.config.spec import EvaluationSpec, TrainingSource, TrainingSpec, spec_id
from rgm_bench.evaluation.base import Place, trained_images
from rgm_bench.metrics.names import MetricName
from rgm_bench.results.schema import Outcome, Status
from tests.search.conftest import WriteSearch

pytestmark = pytest.mark.slow

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
        return Outcome(
            "evaluation", spec_id(spec), place.digest, status, None, images, fields, metrics, cost
        )

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
