"""The claims of a study with their verdicts, as a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, final

from rgm_bench.report.numbers import NOTHING
from rgm_bench.report.table import Cell, Header, Table, TableRow, Verdict

if TYPE_CHECKING:
    from pandas import DataFrame

VERDICTS: tuple[Verdict, ...] = ("supported", "contradicted", "inconclusive")


@final
@dataclass(frozen=True)
class ShownClaim:
    """A claim with what the seeds say of it, its numbers as texts.

    Args:
        name: as the study calls it.
        text: the claim in words.
        verdict: what the seeds say.
        effect: such as `T=4 / T=1: 0.31`; empty where there are no values.
        interval: of the effect, such as `[0.22, 0.43]`; empty where no spread can be told.
        n: the seeds behind it, such as `5` or `5 and 4`.
        p_holm: corrected for all claims of the study; None where nothing was tested.
        method: the test in words.
        explanation: one sentence.
        paper_claim: the number of the paper's claim that it decides, if any.
    """

    name: str
    text: str
    verdict: Verdict
    effect: str
    interval: str
    n: str
    p_holm: float | None
    method: str
    explanation: str
    paper_claim: int | None = None


def claims_table(title: str, claims: Sequence[ShownClaim]) -> Table:
    """A row a claim, and the explanation of each verdict below.

    Args:
        title: of the study.
        claims: in the order to show them.
    """
    numbered = any(claim.paper_claim is not None for claim in claims)
    return Table(
        name="claims",
        title=title,
        heading="Claims",
        caption=" ".join(filter(None, [f"{title}.", _tally(claims), _methods(claims)])),
        headers=(
            Header("claim", is_text=True),
            *([Header("in the paper")] if numbered else []),
            Header("verdict", is_text=True),
            Header("effect"),
            Header("95% interval"),
            Header("seeds"),
            Header("p", "Holm"),
        ),
        rows=tuple(TableRow(claim_cells(claim, numbered=numbered)) for claim in claims),
        frame=_frame(claims),
        notes=tuple(f"{claim.text}: {claim.explanation}" for claim in claims if claim.explanation),
    )


def p_text(p: float | None) -> str:
    """A p value with three decimals, and nothing below a thousandth."""
    if p is None:
        return NOTHING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def claim_cells(claim: ShownClaim, *, numbered: bool) -> tuple[Cell, ...]:
    """The row of a claim; `numbered` where there is a column for its number in the paper."""
    number = NOTHING if claim.paper_claim is None else str(claim.paper_claim)
    return (
        Cell(claim.text),
        *([Cell(number)] if numbered else []),
        Cell(claim.verdict, verdict=claim.verdict),
        Cell(claim.effect or NOTHING),
        Cell(claim.interval or NOTHING),
        Cell(claim.n or NOTHING),
        Cell(p_text(claim.p_holm)),
    )


def _tally(claims: Sequence[ShownClaim]) -> str:
    found = Counter(claim.verdict for claim in claims)
    counted = ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS if found[verdict])
    return f"Of {len(claims)} claims {counted}." if len(claims) > 1 else ""


def _methods(claims: Sequence[ShownClaim]) -> str:
    methods = dict.fromkeys(claim.method for claim in claims if claim.method)
    return f"Decided by: {'; '.join(methods)}." if methods else ""


def _frame(claims: Sequence[ShownClaim]) -> "DataFrame":
    from pandas import DataFrame  # what only names a claim need not load pandas

    names = [field.name for field in fields(ShownClaim)]
    rows = [{name: getattr(claim, name) for name in names} for claim in claims]
    types = {"paper_claim": "Int64", "p_holm": "float64"}
    return DataFrame(rows, columns=names).astype(types)
