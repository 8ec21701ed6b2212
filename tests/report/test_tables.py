import io
import random
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from rich.console import Console

from rgm_bench.config.grammar import REPORT_COLUMNS
from rgm_bench.config.study import StudySpec, TableItem, Trial, Tuned
from rgm_bench.errors import StudyError
from rgm_bench.report.columns import COLUMNS
from rgm_bench.report.render import escape_latex, show, to_csv, to_latex, to_markdown
from rgm_bench.report.select import rows_of
from rgm_bench.report.table import Table
from rgm_bench.report.tables import build_table
from rgm_bench.results.frames import evaluations_frame

FID = "fid.digits_cnn_v1.n1437"
ITEM = TableItem(
    kind="table",
    rows="fidelity_weight",
    columns=("paper_lambda", "fid", "inception_score", "kid", "flops", "seconds"),
)


def table_of(study: StudySpec, results, item: TableItem = ITEM) -> Table:
    return build_table(study, rows_of(evaluations_frame(study, results)), item, name="table")


def column(table: Table, source: str) -> pd.DataFrame:
    return table.frame[table.frame["column"] == source].reset_index(drop=True)


def texts(table: Table, title: str) -> list[str]:
    place = [header.title for header in table.headers].index(title)
    return [row.cells[place].text for row in table.rows]


def weights(study: StudySpec, *chosen: float) -> list[Trial]:
    return [trial for trial in study.trials if trial.labels.get("fidelity_weight") in chosen]


@pytest.fixture
def full(sweep, results):
    study = sweep()
    for trial in study.trials:
        results.finish(trial)
    return study


def test_a_cell_is_the_geometric_mean_of_its_seeds(full: StudySpec, results) -> None:
    frame = evaluations_frame(full, results)
    arm = frame[(frame["axis.fidelity_weight"] == 0.05) & (frame["at"] == 1.0)]
    found = column(table_of(full, results), FID)
    mean = found.loc[found["fidelity_weight"] == 0.05, "mean"].item()
    assert mean == pytest.approx(float(np.exp(np.log(arm[FID]).mean())))


def test_real_images_are_rows_of_their_own(full: StudySpec, results) -> None:
    found = column(table_of(full, results), FID)
    assert found["real"].dropna().tolist() == ["train", "test"]
    assert found.loc[found["real"].notna(), "fidelity_weight"].isna().all()
    assert (found["n"] == 3).all()
    other = [t if t.real is None else None for t in full.trials]
    without = replace(full, trials=tuple(t for t in other if t))
    generated = found[found["real"].isna()].reset_index(drop=True)
    assert_frame_equal(generated, column(table_of(without, results), FID))


def test_best_follows_the_direction_of_the_score_and_is_never_real(full, results) -> None:
    for trial in weights(full, 5):
        results.finish(trial, fid=1.0, inception_score=1.0, kid=5.0)
    for trial in weights(full, 0):
        results.finish(trial, fid=1000.0, inception_score=20.0, kid=-1.0)
    table = table_of(full, results)
    best = {
        header.title: [row.cells[0].text for row in table.rows if row.cells[place].best]
        for place, header in enumerate(table.headers)
    }
    assert {k: v for k, v in best.items() if v} == {
        "FID ↓": ["5"],
        "IS ↑": ["0"],
        COLUMNS["kid"].title + " ↓": ["0"],
    }


def test_what_is_missing_or_diverged_is_counted_and_marked(sweep, results) -> None:
    study = sweep()
    unfinished = [t for t in study.trials if t.labels.get("fidelity_weight") == 0.5 and t.seed]
    unfinished += weights(study, 0)
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") == 5 and trial.seed == 2:
            results.diverge(trial)
        elif trial not in unfinished:
            results.finish(trial)
    table = table_of(study, results)
    assert texts(table, "seeds") == [
        "0 of 3, 3 missing",
        *("3", "3", "3"),
        "1 of 3, 2 missing",
        "2 of 3, 1 diverged",
        *("3", "3"),
    ]
    assert texts(table, "FID ↓")[0] == "missing"
    assert "[" not in texts(table, "FID ↓")[4]
    found = column(table, FID).set_index("fidelity_weight")
    counts = found.loc[[0.0, 0.5, 5.0], ["n", "planned", "diverged", "missing"]]
    assert counts.to_numpy().tolist() == [[0, 3, 0, 3], [1, 3, 0, 2], [2, 3, 1, 0]]
    assert "Of 24 trials 1 diverged and 5 missing." in table.caption


def test_nothing_finished_is_a_table_of_gaps(sweep, results) -> None:
    table = table_of(sweep(), results)
    assert set(texts(table, "FID ↓")) == {"missing"}
    assert texts(table, "paper's λ") == ["∞", "2,000", "200", "20", "2", "0.2", "–", "–"]  # noqa: RUF001


def test_csv_holds_every_bit(full: StudySpec, results) -> None:
    table = table_of(full, results)
    read = pd.read_csv(io.StringIO(to_csv(table)))
    assert_frame_equal(read, table.frame, check_exact=True, check_dtype=False)


def test_the_order_of_trials_changes_nothing(full: StudySpec, results) -> None:
    trials = list(full.trials)
    random.Random(0).shuffle(trials)
    shuffled = replace(full, trials=tuple(trials))
    for write in (to_csv, to_markdown, to_latex):
        assert write(table_of(full, results)) == write(table_of(shuffled, results))


def test_numbers_of_images_are_never_in_one_column(sweep, generated, results) -> None:
    study = sweep(shares=(1.0,))
    more = tuple(generated(weight, 0, 1.0, n=500) for weight in (0, 0.05))
    study = replace(study, trials=study.trials + more)
    for trial in study.trials:
        results.finish(trial)
    table = table_of(study, results)
    assert [str(h) for h in table.headers if h.title == "FID ↓"] == [
        "FID ↓ (digits_cnn_v1, n=500)",
        "FID ↓ (digits_cnn_v1, n=1437)",
    ]
    assert column(table, "fid.digits_cnn_v1.n500")["n"].tolist() == [1, 1]
    assert column(table, FID)["n"].tolist() == [3] * 8


def test_a_second_axis_makes_rows_and_is_not_averaged_over(sweep, results) -> None:
    study = sweep(weights=(0, 0.5), shares=(1.0,))
    both = tuple(
        replace(trial, labels={**trial.labels, "arm": "plain" if trial.seed else "kld"})
        for trial in study.trials
        if trial.real is None
    )
    study = replace(study, trials=both, axes={**study.axes, "arm": ("kld", "plain")})
    for trial in study.trials:
        results.finish(trial)
    found = column(table_of(study, results), FID)
    assert found[["fidelity_weight", "arm", "n"]].to_numpy().tolist() == [
        [0, "kld", 1],
        [0, "plain", 2],
        [0.5, "kld", 1],
        [0.5, "plain", 2],
    ]


def test_the_largest_share_with_a_finished_trial_is_shown_and_named(sweep, results) -> None:
    study = sweep()
    for trial in study.trials:
        if trial.real is None and trial.spec.source.at == 0.25:
            results.finish(trial)
    table = table_of(study, results)
    assert "After 8,000 training images, 0.25 of the training." in table.caption
    assert set(column(table, FID)["at"].dropna()) == {0.25}


def test_latex_escapes_what_latex_would_read(full: StudySpec, results) -> None:
    assert escape_latex(r"a_b & 5% \x {^~} #$") == (
        r"a\_b \& 5\% \textbackslash{}x \{\textasciicircum{}\textasciitilde{}\} \#\$"
    )
    latex = to_latex(table_of(replace(full, title="50% of FID_x & $"), results))
    assert r"50\% of FID\_x \& \$" in latex
    body = latex[latex.index(r"\toprule") : latex.index(r"\bottomrule")]
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows} == {7}
    latex.encode("ascii")


def test_markdown_has_a_cell_for_every_column(full: StudySpec, results) -> None:
    study = replace(full, title="<script> | *x*")
    text = to_markdown(table_of(study, results))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {9}
    assert "<script>" not in text.replace(r"\<script\>", "")


def test_the_console_table_fits_100_columns_and_a_pipe_gets_markdown(full, results) -> None:
    results.diverge(next(t for t in weights(full, 5)))
    table = table_of(full, results)
    terminal = io.StringIO()
    show(table, Console(file=terminal, width=100, force_terminal=True, color_system=None))
    assert "…" not in terminal.getvalue()
    _, interval = texts(table, "FID ↓")[3].split(" ", 1)
    assert interval in terminal.getvalue()
    assert max(map(len, terminal.getvalue().splitlines())) <= 100
    pipe = io.StringIO()
    show(table, Console(file=pipe, width=40))
    assert pipe.getvalue().rstrip("\n") == to_markdown(table).rstrip("\n")


def test_an_unknown_column_is_named_with_the_nearest(full: StudySpec, results) -> None:
    with pytest.raises(StudyError, match="'fidd'; did you mean fid"):
        table_of(full, results, ITEM.model_copy(update={"columns": ("fidd",)}))


def test_the_grammar_and_the_report_know_the_same_columns() -> None:
    assert tuple(COLUMNS) == REPORT_COLUMNS


def test_importing_the_report_imports_neither_pandas_nor_matplotlib() -> None:
    import subprocess

    code = (
        "import sys, rgm_bench.report; "
        "sys.exit(bool({'pandas', 'matplotlib', 'torch'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_table_says_how_many_trials_stand_behind_its_settings(full, results) -> None:
    tuned = replace(full, tuned=Tuned(study="tuning_digits", trials=8))
    said = (
        "A method that the study tuning_digits has is set as the best of its 8 trials there; no "
        "other was tuned, and what an arm changes was not tuned again."
    )
    assert said in table_of(tuned, results).caption
    assert "trials there" not in table_of(full, results).caption


def test_a_score_that_is_no_number_is_named_with_its_reason(full: StudySpec, results) -> None:
    reason = "the images are nearly equal"
    one, *others = [trial for trial in weights(full, 5) if trial.at == 1.0]
    results.lack(one, "fid", reason)
    table = table_of(full, results)
    assert re.search(rf"fid\S+ is no number in 1 of \d+ trials: {reason}\.", table.caption)
    assert "(n=" in texts(table, "FID ↓")[5]
    for other in others:
        results.lack(other, "fid", reason)
    table = table_of(full, results)
    assert texts(table, "FID ↓")[5] == "no number"
    assert reason in to_markdown(table)
    assert reason in to_latex(table)
