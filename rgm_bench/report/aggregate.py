"""Seeds -> a centre, a 95 % interval and how many seeds they come from.

Both belong to the same scale. `plain`: the arithmetic mean and Student's t interval around it.
`log`: the geometric mean and the interval of the logarithms, taken back by the exponential; for
distances such as FID, whose spread over seeds grows with their size. Values that are not all above
zero (the FID of a set with itself may be -1e-13) have no logarithm, so they fall back to `plain`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, fsum, isfinite, log, sqrt
from typing import Literal, final

CONFIDENCE = 0.95

Scale = Literal["plain", "log"]


@final
@dataclass(frozen=True)
class Estimate:
    """What the seeds of one arm say of one quantity.

    `low` and `high` are None where one seed leaves no interval. `scale` is the one that was used.
    """

    center: float
    low: float | None
    high: float | None
    n: int
    scale: Scale


def estimate(values: Iterable[float], *, scale: Scale) -> Estimate | None:
    """The centre and interval of the finite `values`, or None when there are none.

    The same for any order of the values, to the last bit.
    """
    finite = [float(value) for value in values if isfinite(value)]
    if not finite:
        return None
    if scale == "log" and min(finite) > 0:
        mean, low, high = _plain([log(value) for value in finite])
        return Estimate(exp(mean), _exp(low), _exp(high), len(finite), "log")
    return Estimate(*_plain(finite), len(finite), "plain")


def _plain(values: list[float]) -> tuple[float, float | None, float | None]:
    n = len(values)
    mean = fsum(values) / n
    if n == 1:
        return mean, None, None
    variance = fsum((value - mean) ** 2 for value in values) / (n - 1)
    half = _student(n - 1) * sqrt(variance / n)
    return mean, mean - half, mean + half


def _exp(bound: float | None) -> float | None:
    """Two seeds far apart can have a bound beyond the largest float."""
    if bound is None:
        return None
    return exp(bound) if bound < 709 else float("inf")


@lru_cache
def _student(freedom: int) -> float:
    """The quantile of Student's t that leaves half of what is not confidence above it."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))
