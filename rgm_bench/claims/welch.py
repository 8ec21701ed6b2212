"""Welch's test of two arms, for one study or for many at once.

Seeds are not paired. Arms are trainings of their own as a rule, and a seed gives two of them little
in common: their networks, the order of their draws and soon their weights differ. Pairing them
would halve the degrees of freedom for nothing. Nor have two arms the same spread (of FID it grows
with its size, and a part that is taken away makes training erratic), hence Welch and not Student.

Arms that measure one training (at several levels, by several samplers, along several routes) do
have a seed in common, and their values rise and fall together. The test is then too careful: at a
correlation of 0.5 it decides 1.2 of 100 studies of five seeds where nothing differs, and a true
difference takes more seeds than it would in pairs. Only values that go against each other would
break the promise.
"""

from dataclasses import dataclass
from math import comb
from typing import final

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtr, stdtrit  # scipy.stats takes a second to import

Studies = Float[np.ndarray, " studies"]
"""One number for each of many studies; a real one is an array of one."""


@final
@dataclass(frozen=True)
class Moments:
    """Mean and unbiased variance over the seeds of an arm."""

    mean: Studies
    variance: Studies
    num_seeds: int


def moments(values: Float[np.ndarray, "studies seeds"]) -> Moments:
    """Mean and variance of at least two seeds, the same for any order of them to the last bit.

    The variance of equal values is exactly zero.
    """
    ordered = np.sort(values, axis=1)
    alike = ordered[:, 0] == ordered[:, -1]
    return Moments(
        mean=np.where(alike, ordered[:, 0], ordered.mean(axis=1)),
        variance=np.where(alike, 0.0, ordered.var(axis=1, ddof=1)),
        num_seeds=values.shape[1],
    )


@final
@dataclass(frozen=True)
class Contrast:
    """A difference of means, its standard error, and how far the error can be trusted.

    Where neither arm varies there is no error to divide by, and Student's t would be infinitely
    sure after two seeds. Counts do that: an arm that covers 7 or 8 modes with equal chance shows no
    spread in half of all pairs of seeds. What is left then is the permutation test, for which
    all of one arm above all of the other is one of `num_splits` equally likely ways.

    Args:
        difference: of the larger arm less the smaller.
        error: its standard error; zero where neither arm varies.
        freedom: degrees of freedom of the error.
        num_splits: ways to deal the seeds into the two arms.
    """

    difference: Studies
    error: Studies
    freedom: Studies
    num_splits: int

    def above(self, threshold: float) -> Studies:
        """One-sided p: small where the true difference is above the threshold."""
        return self._tail(self.difference - threshold)

    def below(self, threshold: float) -> Studies:
        """One-sided p: small where the true difference is below the threshold."""
        return self._tail(threshold - self.difference)

    def interval(self, confidence: float) -> tuple[Studies, Studies]:
        """The bounds that `above` and `below` agree with; NaN where neither arm varies."""
        half = stdtrit(self.freedom, (1 + confidence) / 2) * self.error
        half = np.where(self._varies, half, np.nan)
        return self.difference - half, self.difference + half

    @property
    def _varies(self) -> Bool[np.ndarray, " studies"]:
        return self.error > 0

    def _tail(self, excess: Studies) -> Studies:
        t = excess / np.where(self._varies, self.error, 1.0)
        permuted = np.where(excess > 0, 1 / self.num_splits, 1.0)
        return np.where(self._varies, stdtr(self.freedom, -t), permuted)


def contrast(larger: Moments, smaller: Moments) -> Contrast:
    """Compare two arms by Welch's test, with a bound on its degrees of freedom.

    Source: Welch 1947, with the degrees of Satterthwaite 1946. We bound them by those of two arms
    that both have the seeds of the smaller one, which changes nothing where the numbers are equal.
    Without the bound 2 seeds against 10 of the same spread differ "at 5 %" in 10 of 100 studies.

    Where means and spreads are equal, at most 5 of 100 studies differ "at 5 %". Where means are
    equal and spreads are not, it is at most 6.5 of 100 with 2 seeds an arm, 6 with 3 and 5.5 with
    5, whatever the spreads; 5 is passed from three times the spread on (six times with 2 seeds).
    With unequal numbers of seeds and the larger spread in the arm of fewer it is at most 9 with 2
    against 10, and 7 with 3 against 10. Smaller p suffer more than that: of ten claims about arms
    that have several times the spread of the one they are compared with, Holm lets one through in
    up to 12 of 100 studies with 2 seeds (10 at 20 times the spread), 10.5 with 3 and 7.5 with 5.
    """
    parts = larger.variance / larger.num_seeds, smaller.variance / smaller.num_seeds
    total = parts[0] + parts[1]
    share = parts[0] / np.where(total > 0, total, 1.0)
    free = larger.num_seeds - 1, smaller.num_seeds - 1
    freedom = 1 / (share**2 / free[0] + (1 - share) ** 2 / free[1])
    return Contrast(
        difference=larger.mean - smaller.mean,
        error=np.sqrt(total),
        freedom=np.minimum(freedom, 2.0 * min(free)),
        num_splits=comb(larger.num_seeds + smaller.num_seeds, larger.num_seeds),
    )
