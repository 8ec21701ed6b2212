"""What a search says in a study file: how many trials, of what, judged and confirmed by what.

A search stands in place of axes. Each of its parameters is an axis, or a range of numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, final

from pydantic import Field

from rgm_bench.config.given_up import NOTHING_GIVEN_UP, GivenUp
from rgm_bench.config.spec import Count, Seed, Slug, Spec, Split
from rgm_bench.config.trial import AxisValue, Trial

TRIAL = "trial"
"""The axis that the trials of a search are numbered on."""

CONFIRMED = "_confirmed"
"""What follows the name of an evaluation that confirms the best trials with other seeds."""

COST_OBJECTIVES = ("nfe", "evaluation_flops", "flops")
"""Costs that a search may have for an objective: those that no machine changes."""


class Parameter(Spec):
    """One dimension of a space: an axis (`values`), or all numbers from `low` to `high`.

    `log` draws the logarithm evenly. `when` maps parameters that stand before this one to values
    of theirs: with others this one is not used, and the base says what it is.
    """

    field: str | None = None
    values: Any = None
    low: float | None = None
    high: float | None = None
    log: bool = False
    when: dict[Slug, Any] = Field(default_factory=dict[str, Any])


class Objective(Spec):
    """What is to be as good as it can: a score of an evaluation, or what sampling costs."""

    metric: str
    evaluation: str | None = None


class TpeSearchSpec(Spec):
    """Tree-structured Parzen estimator: draws near what was good, after `startup` random trials."""

    kind: Literal["tpe"]
    startup: Annotated[int, Field(ge=0)] = 10


class Nsga2SearchSpec(Spec):
    """A genetic algorithm for several objectives: crosses what nothing beats in all of them."""

    kind: Literal["nsga2"]
    population: Annotated[int, Field(ge=2)] = 10


class RandomSearchSpec(Spec):
    """Every trial is drawn by itself."""

    kind: Literal["random"]


class GridSearchSpec(Spec):
    """All combinations of values, one after the other."""

    kind: Literal["grid"]


SearchSamplerSpec = Annotated[
    TpeSearchSpec | Nsga2SearchSpec | RandomSearchSpec | GridSearchSpec,
    Field(discriminator="kind"),
]


class AshaSpec(Spec):
    """Asynchronous successive halving: at each rung one in `reduction` trials goes on.

    `rungs` are shares of a training's images.
    """

    kind: Literal["asha"]
    rungs: Annotated[tuple[float, ...], Field(min_length=1)]
    reduction: Annotated[int, Field(ge=2)] = 2


class ConfirmSpec(Spec):
    """The `top` best trials once more, with `seeds` of their own.

    `reference_split` names the real images that confirm; a search that looks at training images
    all the time is confirmed on others.
    """

    top: Count
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    reference_split: Split | None = None


class SearchSpec(Spec):
    """A search: `trials` trainings of a space, each told by those before it where to look.

    Trial k is drawn from what the trials before k - `lag` have scored, whichever is ready first:
    `lag` + 1 of them may train at once, and the suggestions are the same at any number of workers.
    """

    trials: Count
    seed: Seed = 0
    lag: Annotated[int, Field(ge=0)] = 2
    sampler: SearchSamplerSpec
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1, max_length=3)]
    space: Annotated[dict[Slug, Parameter], Field(min_length=1)]
    pruner: AshaSpec | None = None
    confirm: ConfirmSpec | None = None


Values = Mapping[str, AxisValue]
"""A value for each parameter of a space that is in use."""


@final
@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, whole ones if both are."""

    low: int | float
    high: int | float
    log: bool


Domain = Range | tuple[AxisValue, ...]
"""What a parameter may be."""


@final
@dataclass(frozen=True)
class Dimension:
    """One parameter: its domain, and with which values of earlier parameters it is used."""

    name: str
    domain: Domain
    when: Mapping[str, tuple[AxisValue, ...]]

    def is_used(self, values: Values) -> bool:
        """Whether the parameters before it have values that ask for this one."""
        return all(name in values and values[name] in some for name, some in self.when.items())


@final
@dataclass(frozen=True)
class Search:
    """A search that has been read.

    `objectives` names evaluation and metric of each; `trials` gives what is measured of a trial:
    its number, its values, the share of the images, and whether to confirm it.
    """

    spec: SearchSpec
    dimensions: tuple[Dimension, ...]
    objectives: tuple[tuple[str, str], ...]
    trials: Callable[[int, Values, float, bool], tuple[Trial, ...]]


@dataclass
class Suggestion:
    """One trial of a search: its values, and how far it has come.

    `rungs` holds the first objective at each share of the images that was looked at, `scores` all
    objectives at the end. A trial has failed when a unit was given up without which it cannot end.
    """

    number: int
    values: Values
    state: Literal["running", "finished", "pruned", "diverged", "failed"] = "running"
    rungs: dict[float, float] = field(default_factory=dict[float, float])
    scores: tuple[float, ...] | None = None


@final
@dataclass(frozen=True)
class Found:
    """What a search has come to: its trials so far, and those that were confirmed, best first.

    `given_up` are the units that it goes on without.
    """

    suggestions: tuple[Suggestion, ...] = ()
    confirmed: tuple[int, ...] = ()
    given_up: GivenUp = NOTHING_GIVEN_UP

    @property
    def num_ended(self) -> int:
        """Trials that have come to an end, whichever."""
        return sum(suggestion.state != "running" for suggestion in self.suggestions)


NOTHING_FOUND = Found()
