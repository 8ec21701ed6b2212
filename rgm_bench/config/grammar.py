"""The shape of a study file, apart from what its trainings and evaluations hold.

These models are read twice: to check a file and to write the JSON schema for editors. Parts that an
overlay may leave incomplete are plain maps here; they are checked where they are whole.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from rgm_bench.config.claim import ClaimSpec
from rgm_bench.config.gate import GateSpec
from rgm_bench.config.search import SearchSpec
from rgm_bench.config.spec import Count, Seed, Slug, Spec
from rgm_bench.config.study import ReportItem, Resources, Tuned

REQUIRED_PROFILES = ("smoke", "laptop")
"""Profiles that every study has: one for tests, one for a small machine."""

REPORT_COLUMNS = (
    "fidelity_weight",
    "paper_lambda",
    "images",
    "fid",
    "inception_score",
    "kid",
    "precision",
    "recall",
    "w2",
    "sliced_w2",
    "mmd",
    "modes_covered",
    "good_share",
    "psnr",
    "ssim",
    "latent_diversity",
    "nfe",
    "images_per_second",
    "seconds_per_image",
    "evaluation_flops",
    "flops",
    "seconds",
    "training_images_per_second",
    "peak_memory_bytes",
    "parameters_generator",
    "parameters_prior",
)
"""What a table or a curve may show; `rgm_bench.report.columns` says how."""

AnyMap = dict[str, Any]
Title = Annotated[str, Field(min_length=1, max_length=200)]


class Reproduces(Spec):
    """The published figure or table that a study repeats."""

    paper: Slug
    figure: Count | None = None
    table: Count | None = None


class Base(Spec):
    """One training and the evaluations of it, which axes and profiles change."""

    training: AnyMap
    evaluations: Annotated[dict[Slug, AnyMap], Field(min_length=1)]


class Axis(Spec):
    """What a study varies: one field over a list, or overlays that each have a label."""

    field: str | None = None
    values: Any


class ProfileOverlay(Spec):
    """The study at one scale: only what differs from the file around it."""

    title: Any = None
    training: AnyMap = Field(default_factory=dict[str, Any])
    evaluations: dict[str, AnyMap | None] = Field(default_factory=dict[str, Any])
    axes: dict[str, AnyMap] = Field(default_factory=dict[str, AnyMap])
    search: AnyMap | None = None
    seeds: Any = None
    resources: Any = None
    tuned: Any = None
    claims: dict[str, AnyMap | None] = Field(default_factory=dict[str, Any])
    gate: AnyMap | None = None
    report: Any = None


class StudyFile(Spec):
    """A study: a base, what it varies, and the profiles it comes in."""

    grammar: Literal[1]
    name: Slug
    title: Title
    reproduces: Reproduces | None = None
    base: Base
    axes: dict[str, AnyMap] = Field(default_factory=dict[str, AnyMap])
    search: AnyMap | None = None
    seeds: Any = None
    resources: Any = None
    tuned: Any = None
    claims: dict[str, AnyMap] = Field(default_factory=dict[str, Any])
    gate: AnyMap | None = None
    report: Any = None
    profiles: dict[Slug, ProfileOverlay]


class Profile(Spec):
    """A study with one profile laid over it: whole but for its trainings and evaluations."""

    title: Title
    training: AnyMap
    evaluations: Annotated[dict[Slug, AnyMap], Field(min_length=1)]
    axes: dict[Slug, Axis] = Field(default_factory=dict[Slug, Axis])
    search: SearchSpec | None = None
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    resources: Resources = Resources()
    tuned: Tuned | None = None
    claims: dict[Slug, ClaimSpec] = Field(default_factory=dict[Slug, ClaimSpec])
    gate: GateSpec | None = None
    report: tuple[ReportItem, ...] = ()
