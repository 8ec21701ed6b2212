"""Asynchronous successive halving: whether a trial goes on past a rung."""

from collections.abc import Sequence


def goes_on(value: float, others: Sequence[float], reduction: int) -> bool:
    """Whether a trial is among the best 1 / `reduction` of those that reached its rung.

    At least the best of them is, so the first trial of all always goes on.

    Source: Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning", algorithm 2,
    with `others` those whose numbers are below and not those that happen to be ready: the decision
    is then the same at any number of workers.

    Args:
        value: of the trial at the rung; lower is better.
        others: the values of earlier trials at the same rung.
        reduction: one in so many goes on.
    """
    places = max(1, (len(others) + 1) // reduction)
    return sum(other < value for other in others) < places
