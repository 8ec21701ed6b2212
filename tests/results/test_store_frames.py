"""Frames of a whole store, from its folders and from the one file that keeps them."""

import json
import os
import shutil

import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from rgm_bench.config.spec import id_of
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.results.store_frames import (
    EVALUATIONS,
    store_curves_frame,
    store_evaluations_frame,
    write_store_evaluations,
)

FID = "fid.digits_cnn_v1.n1437"


@pytest.fixture
def study(sweep, results):
    study = sweep(weights=(0, 0.05), seeds=(0, 1))
    for trial in study.trials[:-1]:
        results.finish(trial)
    return study


def test_a_store_is_read_without_a_study(study, results) -> None:
    frame = store_evaluations_frame(results).set_index("id")
    trial = study.trials[0]
    assert len(frame) == len({trial.id for trial in study.trials[:-1]})
    assert frame.loc[trial.id, "spec.source.training.method.fidelity_weight"] == 0
    assert frame.loc[trial.id, "cost.nfe"] == 4.0
    assert frame.loc[trial.id, FID] == results.outcome("evaluation", trial.id).metrics[FID]
    curves = store_curves_frame(results)
    assert set(curves["training_id"]) == {t.training_id for t in study.trials if t.training_id}


def test_an_empty_store_has_empty_frames(results) -> None:
    assert store_evaluations_frame(results).empty
    assert store_curves_frame(results).empty


def test_the_file_and_the_folders_give_the_same_frame(study, results) -> None:
    from_folders = store_evaluations_frame(results)
    assert write_store_evaluations(results)
    assert_frame_equal(store_evaluations_frame(results), from_folders)
    assert not write_store_evaluations(results)
    file = pq.ParquetFile(results.root / EVALUATIONS)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    units = {field.name: field.metadata[b"unit"].decode() for field in file.schema_arrow}
    assert (units["cost.seconds"], units["cost.flops"], units[FID]) == ("seconds", "FLOP", "1")


def test_the_file_is_read_while_it_holds_what_the_folders_hold(study, results) -> None:
    write_store_evaluations(results)
    # told apart from the folders by what nobody measured
    path = results.root / EVALUATIONS
    marked = store_evaluations_frame(results).assign(status="from the file")
    marked.to_parquet(path)
    # a file without its digest is a view that may be damaged
    assert set(store_evaluations_frame(results)["status"]) == {"ok"}
    path.with_name(f"{path.name}.sha256").write_text(file_sha256(path))
    assert set(store_evaluations_frame(results)["status"]) == {"from the file"}
    results.finish(study.trials[-1])
    assert set(store_evaluations_frame(results)["status"]) == {"ok"}


def test_a_result_that_was_computed_again_counts(study, results) -> None:
    write_store_evaluations(results)
    trial = study.trials[0]
    results.finish(trial, fid=77.0)
    os.utime(results.root / EVALUATIONS, (1, 1))  # as if the clock had moved on meanwhile
    assert store_evaluations_frame(results).set_index("id").loc[trial.id, FID] == 77.0


def test_values_of_several_types_are_text_in_both(study, results) -> None:
    paths = sorted(results.root.glob("evaluations/*/*/result.json"))
    for path, value in zip(paths, (1, "two", True, None), strict=False):
        content = json.loads(path.read_text())
        content["spec"]["measure"]["argument"] = value
        content["id"] = id_of(content["spec"])
        folder = results.root / "evaluations" / content["id"] / content["digest"]
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(content))
        shutil.rmtree(path.parent.parent)
    column = store_evaluations_frame(results)["spec.measure.argument"]
    assert sorted(column.dropna()) == ["1", "true", "two"]
    write_store_evaluations(results)
    assert (
        store_evaluations_frame(results)["spec.measure.argument"].dropna().equals(column.dropna())
    )
