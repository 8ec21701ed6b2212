"""What a study claims, in a form that its numbers decide."""

from typing import Annotated, Any, Literal

from pydantic import Field

from rgm_bench.config.spec import Count, Slug, Spec

Labels = dict[Slug, Any]
"""A label on some axes."""


class _About(Spec):
    """What every claim says: which numbers it is about, and how much of a difference counts.

    `margin` is relative for metrics that are compared as ratios, such as FID, and in units of the
    metric for others. `at` fixes a label on axes that the claim does not compare. `evaluation` may
    be left out where a study has one only. `paper_claim` is the number of the paper's claim that
    this decides.
    """

    metric: str
    evaluation: Slug | None = None
    at: Labels = Field(default_factory=dict[Slug, Any])
    margin: Annotated[float, Field(ge=0, le=10)] = 0.0
    paper_claim: Count | None = None
    text: Annotated[str, Field(min_length=1, max_length=300)] | None = None


class ComparisonClaimSpec(_About):
    """`this` is better than `than` by more than the margin, or not worse by more than it."""

    kind: Literal["better", "not_worse"]
    this: Labels
    than: Labels


class OrderingClaimSpec(_About):
    """The metric grows (or falls) from each label of `order` to the next."""

    kind: Literal["ordering"]
    over: Slug
    order: Annotated[tuple[Any, ...], Field(min_length=2)]
    direction: Literal["increasing", "decreasing"] = "increasing"


class InteriorMinimumClaimSpec(_About):
    """Along the axis, some label between the two ends is better than both."""

    kind: Literal["interior_minimum"]
    over: Slug


class WithinClaimSpec(_About):
    """Along an axis of numbers, the best label lies between `low` and `high`, both included."""

    kind: Literal["within"]
    over: Slug
    low: float
    high: float


ClaimSpec = Annotated[
    ComparisonClaimSpec | OrderingClaimSpec | InteriorMinimumClaimSpec | WithinClaimSpec,
    Field(discriminator="kind"),
]
