"""How often seeds would decide a claim, by simulation that gives the same number every time.

Means are drawn as normal and variances as chi-square, so that a draw costs the same at any number
of seeds. The standard error of a power of 0.8 is 0.006. To plan a study, state the claim with
samples that are still empty:

    rule = better(Sample("a", ()), Sample("b", ()), scale="log", margin=0.0, direction="lower").rule
    arms = [Population(mean=0.0, spread=0.13), Population(mean=log(1.5), spread=0.13)]
    seeds_needed(rule, arms, level=0.05, target=0.8)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import final

import numpy as np

from rgm_bench.claims.rule import Rule
from rgm_bench.claims.weigh import weigh
from rgm_bench.claims.welch import Moments

NUM_DRAWS = 4000
MOST_SEEDS = 1000


@final
@dataclass(frozen=True)
class Population:
    """What the seeds of an arm are drawn from: normal, in units of the scale.

    Args:
        mean: of the logarithms on the log scale.
        spread: the standard deviation; on the log scale close to the coefficient of variation.
    """

    mean: float
    spread: float


def power(
    rule: Rule, populations: Sequence[Population], num_seeds: Sequence[int], *, level: float
) -> float:
    """The share of studies that decide the claim, one way or the other.

    Args:
        rule: of the claim.
        populations: one for each arm.
        num_seeds: of each arm, at least 2.
        level: what the p value must reach; 0.05 divided by the claims still open for a study.
    """
    rng = np.random.default_rng(0)
    arms = [_draw(rng, one, n) for one, n in zip(populations, num_seeds, strict=True)]
    return float((weigh(rule, arms).p <= level).mean())


def seeds_needed(
    rule: Rule, populations: Sequence[Population], *, level: float, target: float
) -> int | None:
    """The fewest seeds for each arm whose power reaches the target; None above `MOST_SEEDS`."""

    def enough(num_seeds: int) -> bool:
        return power(rule, populations, [num_seeds] * len(populations), level=level) >= target

    return fewest_seeds(enough)


def fewest_seeds(enough: Callable[[int], bool], *, more_than: int = 1) -> int | None:
    """The smallest number of seeds that is enough; None above `MOST_SEEDS`.

    Args:
        enough: of a number of seeds; true for all numbers above the first.
        more_than: seeds that are not enough.
    """
    few, many = more_than, more_than + 1
    while not enough(many):
        if many >= MOST_SEEDS:
            return None
        few, many = many, min(2 * many, MOST_SEEDS)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


def _draw(rng: np.random.Generator, population: Population, num_seeds: int) -> Moments:
    noise = rng.normal(size=NUM_DRAWS) * population.spread / sqrt(num_seeds)
    variance = rng.chisquare(num_seeds - 1, NUM_DRAWS) * population.spread**2 / (num_seeds - 1)
    return Moments(population.mean + noise, variance, num_seeds)
