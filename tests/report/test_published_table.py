import io
from collections.abc import Callable

import pandas as pd
import pytest
from rich.console import Console

from rgm_bench.config.study import PublishedItem, StudySpec, TableItem
from rgm_bench.errors import StudyError
from rgm_bench.report.published_table import NOT_PUBLISHED, build_published_table
from rgm_bench.report.render import show, to_csv, to_latex, to_markdown
from rgm_bench.report.table import Table
from rgm_bench.report.tables import build_table

METRICS = ("fid", "inception_score", "nfe")
PARTNERS = {"1": "RGM-KLD-D, T=1", "4": "RGM-KLD-D"}
NOTE = (
    "ours: digits, digits_cnn_v1, n=1437; published: CIFAR-10, inception, n=50,000: "
    "not comparable in size, only in order."
)


def item(**fields: object) -> PublishedItem:
    given = {"kind": "published", "dataset": "cifar10", "metrics": METRICS, "rows": PARTNERS}
    return PublishedItem.model_validate(given | fields)


@pytest.fixture
def table_of(steps: StudySpec, results, rows) -> Callable[..., Table]:
    trials = rows(steps, results)
    return lambda asked: build_published_table(steps, trials, asked, name="published")


def sides(table: Table) -> tuple[int, int]:
    """How many columns are ours and theirs."""
    ours, theirs = table.groups
    return ours.span, theirs.span


def test_no_column_holds_numbers_of_both_sides(table_of) -> None:
    table = table_of(item())
    ours, theirs = table.groups
    assert (ours.name, theirs.name) == ("ours, digits", "published, CIFAR-10")
    assert ours.span + theirs.span == len(table.headers)
    for row in table.rows:
        left, right = row.cells[: ours.span], row.cells[ours.span :]
        if row.real:
            assert not any(cell.text for cell in right)
        assert not any(cell.text.endswith(("(S)", "(P)", "(D)")) for cell in left)
        assert all(
            cell.soft or not cell.text or cell.text.endswith(("(S)", "(P)", "(D)"))
            for cell in right[1:]
        )


def test_without_partners_it_holds_published_numbers_alone(table_of) -> None:
    asked = item(table="inverse_problems", dataset=None, metrics=("psnr", "ssim"), rows={})
    table = table_of(asked)
    assert [group.name for group in table.groups] == ["published, data set not stated"]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["RGM, super-resolution x4", "21.14 (S)", "0.59 (S)"],
        ["RGM, colorization", "23.78 (S)", "0.93 (S)"],
    ]
    assert list(table.frame["published_value"]) == [21.14, 0.59, 23.78, 0.93]
    assert table.caption == "Quality over steps."
    for text in (to_markdown(table), to_latex(table), to_csv(table)):
        assert "21.14" in text


def test_ours_are_the_numbers_of_any_table(steps, results, rows, table_of) -> None:
    table = table_of(item())
    usual = build_table(
        steps,
        rows(steps, results),
        TableItem(kind="table", rows="num_levels", columns=METRICS),
        name="usual",
    )
    ours, _ = sides(table)
    shown = {row.cells[0].text: [c.text for c in row.cells[:ours]] for row in table.rows}
    for row in usual.rows:
        if row.cells[0].text in shown:
            assert shown[row.cells[0].text] == [cell.text for cell in row.cells]


def test_partners_stand_in_one_row_and_the_others_alone(table_of) -> None:
    table = table_of(item())
    ours, _ = sides(table)
    pairs = [(row.cells[0].text, row.cells[ours].text) for row in table.rows if not row.real]
    assert pairs[:2] == [("1", "RGM-KLD-D, T=1"), ("4", "RGM-KLD-D")]
    assert ("", "DDPM") in pairs
    assert "8" not in dict(pairs)
    alone = table_of(item(alone=("DDPM",)))
    assert [row.cells[ours].text for row in alone.rows] == [*PARTNERS.values(), "DDPM", "", ""]
    assert len(table_of(item(alone=())).rows) == 4


def test_what_nobody_published_is_said_and_stays_empty_in_the_numbers(table_of) -> None:
    table = table_of(item())
    cells = {
        row.cells[sides(table)[0]].text: row.cells[sides(table)[0] + 1 :] for row in table.rows
    }
    assert [cell.text for cell in cells["RGM-DSWD-D"]] == [NOT_PUBLISHED, NOT_PUBLISHED, "4 (P)"]
    assert all(cell.soft for cell in cells["RGM-DSWD-D"][:2])
    assert any(note.startswith(f'"{NOT_PUBLISHED}"') for note in table.notes)
    read = pd.read_csv(io.StringIO(to_csv(table)))
    dswd = read[read["published_model"] == "RGM-DSWD-D"].set_index("published_metric")
    assert dswd["published_value"].isna().tolist() == [True, True, False]
    assert dswd["published_source"].isna().tolist() == [True, True, False]


def test_every_published_number_has_its_trust_and_source_beside_it(table_of) -> None:
    found = table_of(item()).frame
    known = found[found["published_value"].notna()]
    assert set(known["published_trust"]) == {"P", "S", "D"}
    assert known["published_source"].notna().all()
    assert known["mean"].isna().all()
    assert found.loc[found["mean"].notna(), "published_value"].isna().all()


def test_published_numbers_are_never_the_best(table_of) -> None:
    table = table_of(item())
    ours, _ = sides(table)
    assert [row.cells[0].text for row in table.rows if any(c.best for c in row.cells)] == ["4"]
    assert not any(cell.best for row in table.rows for cell in row.cells[ours:])


def test_other_data_are_said_to_be_no_measure_of_size(table_of) -> None:
    assert table_of(item()).notes[0] == NOTE


def test_the_same_measurement_needs_no_such_note(steps, results, rows) -> None:
    trials = [
        {
            **{k: v for k, v in trial.items() if not k.endswith("digits_cnn_v1.n1437")},
            "data": "cifar10",
            "extractor": "inception_v3_compat",
            "num_images": 50_000,
            "fid.inception_v3_compat.n50000": trial["fid.digits_cnn_v1.n1437"],
        }
        for trial in rows(steps, results)
    ]
    table = build_published_table(steps, trials, item(), name="published")
    assert not any("comparable" in note for note in table.notes)
    fewer = [{**trial, "num_images": 10_000} for trial in trials]
    table = build_published_table(steps, fewer, item(), name="published")
    assert "n=10000; published: CIFAR-10, inception, n=50,000" in table.notes[0]


def test_notes_of_the_numbers_that_are_shown(table_of) -> None:
    assert "DDPM, FID: the abstract of DDPM says 3.17." in table_of(item()).notes
    assert not any("3.17" in note for note in table_of(item(alone=())).notes)


def test_columns_are_only_those_that_somebody_published(table_of) -> None:
    table = table_of(item(metrics=("fid", "kid")))
    ours, theirs = sides(table)
    titles = [header.title for header in table.headers]
    assert titles[ours:] == ["model", "FID ↓"]
    assert len(titles[:ours]) == 4
    assert theirs == 2


def test_rows_that_no_axis_has_are_an_error(table_of) -> None:
    with pytest.raises(StudyError, match="no axis has all of the labels 1, 16"):
        table_of(item(rows={"1": "RGM-KLD-D", "16": "DDPM"}))


def test_every_rendering_keeps_the_two_sides_apart(table_of) -> None:
    table = table_of(item())
    ours, theirs = sides(table)
    latex = to_latex(table)
    assert rf"\multicolumn{{{ours}}}{{c}}{{ours, digits}} & \multicolumn{{{theirs}}}" in latex
    assert rf"\cmidrule(lr){{1-{ours}}} \cmidrule(lr){{{ours + 1}-{ours + theirs}}}" in latex
    latex.encode("ascii")
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {ours + theirs + 1}
    assert lines[0].count("ours, digits: ") == ours
    assert lines[0].count("published, CIFAR-10: ") == theirs
    assert f"- {NOTE}" in to_markdown(table)
    terminal = io.StringIO()
    show(table, Console(file=terminal, width=130, force_terminal=True, color_system=None))
    drawn = [line for line in terminal.getvalue().splitlines() if "RGM-KLD-D" in line]
    assert all(line.index("│") < line.index("RGM-KLD-D") for line in drawn)
    assert NOTE in terminal.getvalue().replace("\n", " ")
