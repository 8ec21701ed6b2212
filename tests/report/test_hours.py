"""CPU and GPU hours of trials and of a whole study."""

import json
from dataclasses import replace

import pytest

from rgm_bench.report.hours import hours_of
from rgm_bench.report.select import rows_of
from rgm_bench.report.write import write
from rgm_bench.results.frames import evaluations_frame


@pytest.fixture
def study(sweep, results):
    study = sweep(weights=(0.05,), seeds=(0, 1), shares=(0.5, 1.0))
    for trial in study.trials:
        results.finish(trial)
    return study


def give(results, **resources: float) -> None:
    """Have every result say what its unit was given."""
    for path in results.root.glob("*/*/*/result.json"):
        content = json.loads(path.read_text())
        content["cost"] |= resources
        path.write_text(json.dumps(content))


def test_a_trial_took_its_evaluation_and_its_whole_training(study, results) -> None:
    give(results, cpus=2, gpus=0.5)
    frame = evaluations_frame(study, results)
    seconds = frame["seconds"] + frame["training_seconds"].fillna(0)
    assert frame["cpu_hours"].tolist() == pytest.approx((2 * seconds / 3600).tolist())
    assert frame["gpu_hours"].tolist() == pytest.approx((0.5 * seconds / 3600).tolist())


def test_a_study_counts_each_unit_once(study, results) -> None:
    give(results, cpus=3, gpus=1)
    trials = rows_of(evaluations_frame(study, results))
    units = [results.outcome("evaluation", trial_id) for trial_id in {t.id for t in study.trials}]
    trained = {t.training_id for t in study.trials if t.training_id}
    units += [results.outcome("training", training_id) for training_id in trained]
    seconds = sum(unit.cost["seconds"] for unit in units if unit is not None)
    found = hours_of(trials)
    assert (found.num_units, found.num_unknown) == (len(units), 0)
    assert found.cpu == pytest.approx(3 * seconds / 3600)
    assert found.gpu == pytest.approx(seconds / 3600)


def test_what_is_not_said_is_not_guessed(study, results) -> None:
    frame = evaluations_frame(study, results)
    assert frame["cpu_hours"].isna().all()
    assert str(hours_of(rows_of(frame))) == ""
    assert hours_of(rows_of(frame)).num_unknown == 2 + 4 + 4


def test_a_report_says_what_its_study_took(study, results, tmp_path) -> None:
    give(results, cpus=1, gpus=0)
    study = replace(study, report=())
    written = write(study, results, tmp_path / "report", claims=[])
    assert written.hours == f"{hours_of(rows_of(evaluations_frame(study, results)))}"
    assert "0 GPU hours in 10 units." in written.hours
    assert written.hours in written.page.read_text()
