"""Which columns a table has, whatever its scores are measured in."""

import numpy as np
import pytest

from rgm_bench.config.claim_names import CLAIM_METRICS
from rgm_bench.config.study import TableItem
from rgm_bench.report.columns import COLUMNS, HEADLINES, column
from rgm_bench.report.select import headline, measures
from rgm_bench.report.tables import build_table


def table(study, trials, *columns: str, rows: str, evaluation: str | None = None):
    item = TableItem(kind="table", rows=rows, columns=columns, evaluation=evaluation)
    return build_table(study, trials, item, name="t")


def test_every_score_belongs_to_the_kind_that_measures_it() -> None:
    scores = {name: c.measured_by for name, c in COLUMNS.items() if c.role == "score"}
    assert scores == {name: kind for kind, names in CLAIM_METRICS.items() for name in names}
    assert set(HEADLINES) <= set(scores)


def test_a_score_is_a_column_of_the_evaluations_that_have_it(restorations, results, rows) -> None:
    trials = rows(restorations, results)
    both = measures([(n, column(n)) for n in ("fid", "psnr", "w2", "latent_diversity")], trials)
    assert [measure.source for measure in both] == ["fid.digits_cnn_v1.n360", "psnr.pixels.n16"]


def test_a_table_can_be_of_one_evaluation(restorations, results, rows) -> None:
    trials = rows(restorations, results)
    found = table(restorations, trials, "fid", "psnr", rows="solver", evaluation="restoration")
    assert [header.title for header in found.headers][2:] == ["PSNR (dB) ↑", "seeds"]
    assert not any(row.real for row in found.rows)
    assert set(found.frame["evaluation"]) == {"restoration"}


def test_an_arm_without_a_training_lacks_nothing(restorations, results, rows) -> None:
    trials = rows(restorations, results)
    found = table(restorations, trials, "seconds", rows="solver", evaluation="restoration")
    cells = {row.cells[0].text: row.cells[2] for row in found.rows}
    assert (cells["bicubic"].text, cells["bicubic"].gap) == ("–", False)  # noqa: RUF001
    assert (cells["ours"].text, cells["ours"].gap) == ("missing", True)


@pytest.mark.parametrize(("name", "log"), [("w2", True), ("sliced_w2", True), ("mmd", False)])
def test_distances_that_spread_with_their_size_have_geometric_means(
    name: str, log: bool, toy, results, rows
) -> None:
    trials = rows(toy, results)
    found = table(toy, trials, name, rows="arm").frame
    source = f"{name}.points.n500"
    seeds = [t[source] for t in trials if t["axis.arm"] == "kld" and t["axis.num_levels"] == 4]
    mean = np.exp(np.log(seeds).mean()) if log else np.mean(seeds)
    cell = found[(found["arm"] == "kld") & (found["num_levels"] == 4)]
    assert cell["mean"].item() == pytest.approx(mean)
    assert cell["column"].item() == source


def test_real_points_are_called_points(toy, results, rows) -> None:
    found = table(toy, rows(toy, results), "w2", rows="arm")
    assert [row.cells[0].text for row in found.rows if row.real] == ["real train points"]
    assert "Real points: as many" in found.caption
    assert "320,000 training points" in found.caption


def test_the_one_score_for_pictures_is_that_of_the_study(toy, steps, restorations, results, rows):
    found = [headline(rows(study, results)) for study in (toy, steps, restorations)]
    assert [measure.short for measure in found if measure] == ["w2", "fid", "fid"]


def test_equal_scores_have_no_best(toy, results, rows) -> None:
    found = table(toy, rows(toy, results), "good_share", rows="arm")
    assert not any(cell.best for row in found.rows for cell in row.cells)
