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

    `role` says what it belongs to: a `score` to an evaluation, the space it is measured in and its
    number of samples; a cost to an `evaluation` or to a `training`; a `setting` to the arm,
    whatever the seed. `source` is its column in the rows of trials (of a score, the first part of
    the name), and `measured_by` the kind of evaluation that has this score.
    """

    title: str
    source: str
    role: Role
    better: Literal["lower", "higher"] | None = None
    scale: Scale = "plain"
    factor: float = 1
    si: bool = False
    measured_by: str = "generate"

    @property
    def arrow(self) -> str:
        """Which way is better, or nothing where neither is."""
        return {"lower": " ↓", "higher": " ↑", None: ""}[self.better]


def _score(
    title: str,
    source: str,
    better: Literal["lower", "higher"] | None,
    *,
    by: str = "generate",
    scale: Scale = "plain",
    factor: float = 1,
) -> Column:
    return Column(title, source, "score", better, scale, factor, measured_by=by)


COLUMNS: Mapping[str, Column] = {
    "fidelity_weight": Column("fidelity weight", "fidelity_weight", "setting"),
    "paper_lambda": Column("paper's λ", "paper_lambda", "setting"),
    "images": Column("training images", "images", "setting"),
    "fid": _score("FID", "fid", "lower", scale="log"),
    "inception_score": _score("IS", "inception_score", "higher"),
    "kid": _score("KID \N{MULTIPLICATION SIGN} 10³", "kid", "lower", factor=1e3),
    "precision": _score("precision", "precision", "higher"),
    "recall": _score("recall", "recall", "higher"),
    "w2": _score("W2", "w2", "lower", by="points", scale="log"),
    "sliced_w2": _score("sliced W2", "sliced_w2", "lower", by="points", scale="log"),
    "mmd": _score("MMD", "mmd", "lower", by="points"),
    "modes_covered": _score("modes covered", "modes_covered", "higher", by="points"),
    "good_share": _score("share of good points", "good_share", "higher", by="points"),
    "psnr": _score("PSNR (dB)", "psnr", "higher", by="restore"),
    "ssim": _score("SSIM", "ssim", "higher", by="restore"),
    "latent_diversity": _score("diversity over z", "latent_diversity", None, by="latent_diversity"),
    "nfe": Column("NFE", "nfe", "evaluation"),
    "images_per_second": Column("sampled images/s", "images_per_second", "evaluation"),
    "seconds_per_image": Column("s/image", "seconds_per_image", "evaluation"),
    "evaluation_flops": Column("sampling FLOP", "flops", "evaluation", si=True),
    "flops": Column("training FLOP", "training_flops", "training", si=True),
    "seconds": Column("training s", "training_seconds", "training"),
    "training_images_per_second": Column(
        "trained images/s", "training_images_per_second", "training"
    ),
    "peak_memory_bytes": Column("peak bytes", "training_peak_memory_bytes", "training", si=True),
    "parameters_generator": Column("generator parameters", "parameters_generator", "training"),
    "parameters_prior": Column("parameters of the prior", "parameters_prior", "training"),
}
"""Every name that `columns` of a table and `y` of a curve may hold."""

HEADLINES = ("fid", "w2", "psnr")
"""The score that pictures and training curves show: the first of these that is measured."""


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
