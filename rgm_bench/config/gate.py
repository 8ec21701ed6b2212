"""What a study has checked against a committed baseline."""

from typing import Annotated

from pydantic import Field

from rgm_bench.config.spec import Slug, Spec

SPEEDS = ("seconds", "images_per_second")
"""Speeds that a gate measures afresh: of a training step, and of sampling."""


class GateSpec(Spec):
    """The numbers of a study that `rgm-bench check` compares with a baseline.

    `margin` is what the mean over seeds may worsen without mattering: a share for metrics that are
    compared as ratios, such as FID, and in units of the metric for others. Without it the repeated
    runs of the baseline say it. `evaluation` may be left out where a study has one only.
    """

    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    evaluation: Slug | None = None
    margin: Annotated[float, Field(ge=0, le=10)] | None = None
