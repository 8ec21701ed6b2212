import json
import math
from dataclasses import replace

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from rgm_bench.results.frames import (
    curves_frame,
    evaluations_frame,
    write_parquet,
)
from rgm_bench.results.kept import KeptResults

FID = "fid.digits_cnn_v1.n1437"


@pytest.fixture
def study(sweep, results):
    study = sweep(weights=(0, 0.05), seeds=(0, 1))
    for trial in study.trials[:-1]:
        results.finish(trial)
    return study


def test_one_row_a_trial_in_their_order(study, results) -> None:
    frame = evaluations_frame(study, results)
    assert frame["evaluation_id"].tolist() == [trial.id for trial in study.trials]
    assert frame["status"].tolist() == ["ok"] * (len(frame) - 1) + ["missing"]
    assert frame["seed"].tolist() == [trial.seed for trial in study.trials]


def test_scores_and_costs_are_those_of_the_results(study, results) -> None:
    trial = study.trials[2]
    results.finish(trial, fid=12.5)
    row = evaluations_frame(study, results).iloc[2]
    assert row[FID] == 12.5
    assert (row["at"], row["images"], row["num_images"]) == (1.0, 32_000, 1437)
    assert (row["training_seconds"], row["training_flops"], row["nfe"]) == (150.0, 4.2e13, 4.0)
    assert row["seconds"] == 2.5


def test_lambda_is_one_over_the_weight_and_infinite_without_fidelity(study, results) -> None:
    frame = evaluations_frame(study, results)
    by_weight = frame.groupby("axis.fidelity_weight")["paper_lambda"].unique()
    assert by_weight[0.0].tolist() == [math.inf]
    assert by_weight[0.05].tolist() == [20.0]
    assert frame.loc[frame["real"].notna(), "paper_lambda"].isna().all()


def test_other_numbers_of_images_are_other_columns(study, generated, results) -> None:
    more = generated(0.05, 0, 1.0, n=500)
    results.finish(more, fid=50.0)
    frame = evaluations_frame(replace(study, trials=(*study.trials, more)), results)
    assert frame["fid.digits_cnn_v1.n500"].dropna().tolist() == [50.0]
    assert math.isnan(frame[FID].iloc[-1])


def test_a_score_that_is_no_number_is_empty_and_its_reason_comes_back(
    study, results, tmp_path
) -> None:
    assert "gaps" not in evaluations_frame(study, results)
    results.lack(study.trials[1], "fid", "it overflows")
    frame = evaluations_frame(study, results)
    assert frame["status"].tolist()[:2] == ["ok", "ok"]
    assert frame[FID].isna().tolist()[:3] == [False, True, False]
    assert json.loads(frame["gaps"][1]) == {FID: "it overflows"}
    assert frame["gaps"].isna().sum() == len(frame) - 1
    write_parquet(frame, tmp_path / "trials.parquet")
    kept = KeptResults(pd.read_parquet(tmp_path / "trials.parquet"))
    assert_frame_equal(evaluations_frame(study, kept), frame)


def test_a_score_that_no_trial_has_keeps_its_column(study, results) -> None:
    for trial in study.trials[:-1]:
        results.lack(trial, "fid", "it overflows")
    assert evaluations_frame(study, results)[FID].isna().all()


def test_an_evaluation_of_a_diverged_training_has_diverged(sweep, results) -> None:
    study = sweep(weights=(5,), seeds=(0,))
    results.diverge(study.trials[0])
    frame = evaluations_frame(study, results)
    assert frame["status"].tolist() == ["diverged"] * 3 + ["missing"] * 2
    assert frame["reason"].iloc[0] == "the loss is not finite after 640 images"


def test_labels_that_are_not_all_numbers_are_text(study, results) -> None:
    labels = {0: "none", 0.05: True}
    trials = tuple(
        replace(t, labels={a: labels[v] for a, v in t.labels.items()}) for t in study.trials
    )
    study = replace(study, trials=trials, axes={"fidelity_weight": ("none", True)})
    frame = evaluations_frame(study, results)
    assert set(frame["axis.fidelity_weight"].dropna()) == {"none", "True"}


def test_parquet_keeps_the_frame_and_names_its_units(study, results, tmp_path) -> None:
    frame = evaluations_frame(study, results)
    write_parquet(frame, tmp_path / "trials.parquet")
    assert_frame_equal(pd.read_parquet(tmp_path / "trials.parquet"), frame)
    schema = pq.read_schema(tmp_path / "trials.parquet")
    units = {field.name: field.metadata[b"unit"].decode() for field in schema}
    assert units["training_seconds"] == "seconds"
    assert (units["training_flops"], units["images"]) == ("FLOP", "images")
    assert (units["training_peak_memory_bytes"], units[FID]) == ("bytes", "1")
    assert [path.name for path in tmp_path.glob("*.parquet*")] == ["trials.parquet"]


def test_nothing_finished_and_no_trials_have_the_same_fixed_columns(sweep, results) -> None:
    full = evaluations_frame(sweep(), results)
    empty = evaluations_frame(replace(sweep(), trials=()), results)
    assert empty.dtypes.equals(full.dtypes)
    assert (full["status"] == "missing").all()


def test_curves_are_long_and_one_training_is_there_once(study, results) -> None:
    frame = curves_frame(study, results)
    assert frame["training_id"].nunique() == 4
    assert not frame.duplicated(["training_id", "images", "quantity"]).any()
    curve = results.curve(study.trials[0].training_id)
    own = frame[frame["training_id"] == study.trials[0].training_id]
    for quantity in set(curve) - {"images"}:
        part = own[own["quantity"] == quantity]
        assert part["images"].tolist() == curve["images"]
        assert part["value"].tolist() == curve[quantity]


def test_a_loss_that_was_not_finite_is_an_empty_value(study, results) -> None:
    path = next(results.root.glob("trainings/*/*/curve.json"))
    path.write_text(json.dumps({"images": [64, 128], "prior": [0.5, None]}))
    frame = curves_frame(study, results, training_ids=[path.parent.parent.name])
    assert frame["value"].isna().tolist() == [False, True]
