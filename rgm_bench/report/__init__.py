"""The report of a study: tables, figures and one page, from whatever has finished so far.

`write_report` is the whole of it. Importing this package imports neither pandas nor matplotlib.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from rgm_bench.config.study import StudySpec

if TYPE_CHECKING:
    from rich.console import Console

    from rgm_bench.report.claims import ShownClaim
    from rgm_bench.report.table import Table
    from rgm_bench.results.frames import Results


@final
@dataclass(frozen=True)
class Report:
    """What `write_report` wrote.

    `counts` says how many trials are ok, diverged and missing. `tables` can be printed one by one
    by `rgm_bench.report.render`, or all together by `show`. `hours` is the sentence on what all of
    it took, empty where no result says.
    """

    page: Path
    trials: Path
    files: tuple[Path, ...]
    counts: Mapping[str, int]
    tables: "tuple[Table, ...]"
    hours: str

    @property
    def all_files(self) -> tuple[Path, ...]:
        """Every file of it."""
        return (self.page, self.trials, *self.files)

    def show(self, console: "Console") -> None:
        """Print every table, drawn on a terminal and Markdown elsewhere, and what it all took."""
        from rgm_bench.report.render import show

        for table in self.tables:
            show(table, console)
        if self.hours:
            console.print(self.hours, markup=False, highlight=False)


def write_report(
    study: StudySpec, view: "Results", folder: Path, claims: "Sequence[ShownClaim]" = ()
) -> Report:
    """Write `trials.parquet`, `tables/`, `figures/` and `report.html` into `folder`.

    The same results give the same files, byte for byte. Half-way through a run the cells that are
    not there yet say so; with nothing finished there are tables of them, and no figures.

    Args:
        study: what to report on.
        view: where its results are.
        folder: the study's own; it is made when it is not there.
        claims: the study's claims with their verdicts, in the order to show them.

    Raises:
        StudyError: the study's report asks for a column that there is not.
        StoreError: `folder` cannot be written.
    """
    from rgm_bench.report.write import write

    return write(study, view, folder, claims=claims)
