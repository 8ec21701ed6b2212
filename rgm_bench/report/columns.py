"""What a table may show: for each short name of a study file its title, direction and scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, final

from rgm_bench.errors import StudyError
from rgm_bench.report.aggregate import Scale

Role = Literal["score", "evaluation", "training", "setting"]


@final
@dataclass(frozen=True)
class Column:
    """How one quantity is shown.

    `role` says what it belongs to: a `score` to an evaluation, its extractor and its number of
    images; a cost to an `evaluation` or to a `training`; a `setting` to the arm, whatever the
    seed. `source` is its column in the frame of trials (of a score, the first part of the name).
    """

    title: str
    source: str
    role: Role
    better: Literal["lower", "higher"] | None = None
    scale: Scale = "plain"
    factor: float = 1
    si: bool = False

    @property
    def arrow(self) -> str:
        """Which way is better, or nothing where neither is."""
        return {"lower": " ↓", "higher": " ↑", None: ""}[self.better]


COLUMNS: Mapping[str, Column] = {
    "fidelity_weight": Column("fidelity weight", "fidelity_weight", "setting"),
    "paper_lambda": Column("paper's λ", "paper_lambda", "setting"),
    "images": Column("training images", "images", "setting"),
    "fid": Column("FID", "fid", "score", better="lower", scale="log"),
    "inception_score": Column("IS", "inception_score", "score", better="higher"),
    "kid": Column("KID \N{MULTIPLICATION SIGN} 10³", "kid", "score", better="lower", factor=1e3),
    "nfe": Column("NFE", "nfe", "evaluation"),
    "images_per_second": Column("sampled images/s", "images_per_second", "evaluation"),
    "flops": Column("training FLOP", "training_flops", "training", si=True),
    "seconds": Column("training s", "training_seconds", "training"),
    "peak_memory_bytes": Column("peak bytes", "training_peak_memory_bytes", "training", si=True),
    "parameters_generator": Column("generator parameters", "parameters_generator", "training"),
    "parameters_discriminator": Column(
        "discriminator parameters", "parameters_discriminator", "training"
    ),
}
"""Every name that `columns` of a table and `y` of a curve may hold."""


def column(name: str) -> Column:
    """The column that a study calls `name`.

    Raises:
        StudyError: no column is called that.
    """
    if name not in COLUMNS:
        near = get_close_matches(name, COLUMNS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise StudyError(f"report: no column is called {name!r}; {hint}There are: {_names()}")
    return COLUMNS[name]


def _names() -> str:
    return ", ".join(COLUMNS)
