import io
import re
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from rgm_bench.config.study import StudySpec
from rgm_bench.report import write_report
from rgm_bench.report.claims import VERDICTS, ShownClaim, claims_table, p_text
from rgm_bench.report.render import show, to_csv, to_latex, to_markdown

HELPS = ShownClaim(
    name="fidelity_helps",
    text="the fidelity term helps",
    verdict="supported",
    effect="0.05 / 0: 0.31",
    interval="[0.22, 0.43]",
    n="5",
    p_holm=0.00031,
    method="Welch's test on log FID",
    explanation="The ratio is below 1.",
    paper_claim=2,
)
WORSE = replace(HELPS, name="z", text="without z is worse", verdict="contradicted", p_holm=0.012)
OPEN = replace(
    HELPS, name="best", text="a moderate weight is best", verdict="inconclusive", p_holm=None
)
CLAIMS = (HELPS, WORSE, OPEN)


def test_the_verdict_is_a_word_in_every_rendering() -> None:
    table = claims_table("A study", CLAIMS)
    terminal = io.StringIO()
    show(table, Console(file=terminal, width=120, force_terminal=True, color_system=None))
    for text in (to_csv(table), to_markdown(table), to_latex(table), terminal.getvalue()):
        for claim in CLAIMS:
            line = next(line for line in text.splitlines() if claim.text in line)
            assert claim.verdict in line


def test_the_tally_counts_every_claim_once() -> None:
    table = claims_table("A study", (*CLAIMS, HELPS))
    assert "Of 4 claims 2 supported, 1 contradicted, 1 inconclusive." in table.caption
    assert len(table.rows) == 4


def test_csv_holds_all_digits_and_an_empty_cell_for_no_test() -> None:
    read = pd.read_csv(io.StringIO(to_csv(claims_table("A study", CLAIMS))))
    assert read["p_holm"].tolist()[:2] == [0.00031, 0.012]
    assert read["p_holm"].isna().tolist() == [False, False, True]
    assert read["explanation"].tolist() == [claim.explanation for claim in CLAIMS]


@pytest.mark.parametrize(
    ("p", "shown"),
    [(None, "–"), (0.0002, "<0.001"), (0.001, "0.001"), (0.0496, "0.050")],  # noqa: RUF001
)
def test_p_values_have_three_decimals(p: float | None, shown: str) -> None:
    assert p_text(p) == shown


def test_the_papers_numbers_are_a_column_where_there_are_any() -> None:
    with_numbers = claims_table("A study", CLAIMS)
    without = claims_table("A study", [replace(claim, paper_claim=None) for claim in CLAIMS])
    assert len(with_numbers.headers) == len(without.headers) + 1


def test_a_report_shows_its_claims_last_and_its_page_first(sweep, results, tmp_path) -> None:
    study: StudySpec = sweep(weights=(0, 0.05), seeds=(0,), shares=(1.0,))
    hostile = replace(OPEN, text="<script>alert(1)</script>")
    report = write_report(study, results, tmp_path, (HELPS, WORSE, hostile))
    assert [table.name for table in report.tables] == ["table_fidelity_weight", "claims"]
    assert {path.suffix for path in report.files if path.stem == "claims"} == {
        ".csv",
        ".md",
        ".tex",
    }
    page = report.page.read_text()
    assert page.index("<h2>Claims</h2>") < page.index("<h2>Table 1.")
    for verdict in VERDICTS:
        assert re.search(rf'<span class="verdict {verdict}">{verdict}</span>', page)
    assert "<script>" not in page


def test_without_claims_a_page_does_not_speak_of_them(sweep, results, tmp_path) -> None:
    report = write_report(sweep(), results, tmp_path)
    assert "<h2>Claims</h2>" not in report.page.read_text()
