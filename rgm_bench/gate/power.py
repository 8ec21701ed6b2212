"""How small a regression a gate finds, and how many seeds would decide it.

Everything is computed for normal values. The rule looks at means, which are normal, and at the
variances of both sides, which are chi-square; given these, the chance of a verdict is a normal
probability. What is left is the mean of it over two variances, by Gauss-Legendre quadrature over
their quantiles. There is no simulation in it, so a gate says the same number every time.

The spread of seeds is not known but measured in the baseline, and five seeds measure it roughly.
What is said to be found 9 times in 10 is found so over repeated baselines, each with the spread
that it happened to measure: it is a little larger than it would be for a known spread.
"""

from dataclasses import dataclass
from functools import cache
from math import comb, inf, sqrt
from typing import final

import numpy as np
from jaxtyping import Float
from scipy.special import gammaincinv, ndtr, stdtrit

from rgm_bench.claims.power import fewest_seeds
from rgm_bench.claims.welch import Moments, contrast

LEVEL = 0.05
"""What a p value must stay below for a regression, over all numbers of a gate together."""

POWER = 0.9
"""How often a gate finds the regression that it calls the smallest it finds."""

DECIDED = 0.9
"""How often a gate with the advised number of seeds comes to a verdict."""

_QUANTILES = 48

Nodes = Float[np.ndarray, " nodes"]


@final
@dataclass(frozen=True)
class _Spreads:
    """What the two variances may turn out to be, for a true spread of 1.

    Args:
        chance: of each pair of variances; together 1.
        measured: the spread that the baseline then shows.
        error: the standard error that Welch's test sees.
        freedom: its degrees of freedom.
        noise: the true standard error.
    """

    chance: Nodes
    measured: Nodes
    error: Nodes
    freedom: Nodes
    noise: float

    def beyond(self, level: float) -> Nodes:
        """How much worse the mean must look for a one-sided p at `level`."""
        return stdtrit(self.freedom, 1 - level) * self.error


def detectable(
    num_current: int, num_baseline: int, *, spread: float, margin: float, level: float = LEVEL
) -> float:
    """The smallest worsening that is called a regression 9 times in 10; same units as `spread`.

    Args:
        num_current: seeds of the code that is checked, at least 2.
        num_baseline: seeds of the baseline, at least 2.
        spread: standard deviation over the seeds of the baseline, as measured.
        margin: what the mean may worsen without mattering.
        level: of the test; the usual one divided by the numbers of a gate with several.
    """
    if spread == 0:
        # all of one side above all of the other is then one of so many equally likely ways
        return margin if 1 / comb(num_current + num_baseline, num_current) <= level else inf
    return spread * _times_spread(num_current, num_baseline, margin / spread, level)


@cache
def _times_spread(num_current: int, num_baseline: int, margin: float, level: float) -> float:
    """`detectable` in units of the measured spread, as the margin is."""
    spreads = _spreads(num_current, num_baseline)
    needed = np.maximum(spreads.beyond(level), margin * spreads.measured)

    def power(worse: float) -> float:
        return float(spreads.chance @ ndtr((worse * spreads.measured - needed) / spreads.noise))

    low, high = 0.0, margin + 1.0
    while power(high) < POWER:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def seeds_that_decide(
    worse: float, *, more_than: int, spread: float, margin: float, level: float = LEVEL
) -> int | None:
    """How many seeds on each side bring a gate to pass or regression 9 times in 10.

    None above 1000, and where nothing varies.

    Args:
        worse: how much worse the code truly is.
        more_than: the seeds that did not decide it.
        spread: standard deviation over seeds.
        margin: what the mean may worsen without mattering.
        level: of the test.
    """

    def enough(num: int) -> bool:
        return _decides(num, worse / spread, margin / spread, level) >= DECIDED

    if spread == 0:
        return None
    return fewest_seeds(enough, more_than=more_than)


def _decides(num: int, worse: float, margin: float, level: float) -> float:
    """The chance of a verdict that is not `inconclusive`, for a spread of 1."""
    spreads = _spreads(num, num)
    smallest = _times_spread(num, num, margin, level) * spreads.measured
    regression = np.maximum(spreads.beyond(level), margin)
    passes = smallest - spreads.beyond(LEVEL)
    open_to = np.maximum(regression, passes)
    between = ndtr((open_to - worse) / spreads.noise) - ndtr((passes - worse) / spreads.noise)
    return float(1 - spreads.chance @ between)


@cache
def _spreads(num_current: int, num_baseline: int) -> _Spreads:
    points, weights = np.polynomial.legendre.leggauss(_QUANTILES)
    quantiles, chance = (points + 1) / 2, weights / 2
    variances = [_variance(quantiles, num) for num in (num_current, num_baseline)]
    current, baseline = (grid.ravel() for grid in np.meshgrid(*variances, indexing="ij"))
    zero = np.zeros_like(current)
    seen = contrast(
        Moments(zero, current, num_current),
        Moments(zero, baseline, num_baseline),
    )
    return _Spreads(
        chance=np.outer(chance, chance).ravel(),
        measured=np.sqrt(baseline),
        error=seen.error,
        freedom=seen.freedom,
        noise=sqrt(1 / num_current + 1 / num_baseline),
    )


def _variance(quantiles: Nodes, num_seeds: int) -> Nodes:
    freedom = num_seeds - 1
    return gammaincinv(freedom / 2, quantiles) * 2 / freedom
