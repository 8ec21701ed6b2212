"""Holm's step-down correction for several claims in one study."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p values, in the order given: a claim is decided where its own is at most 0.05.

    Whatever the claims have in common, a study in which no arms differ decides any of them in at
    most 5 of 100 cases.

    Source: Holm 1979.
    """
    total, reached = len(p_values), 0.0
    adjusted = [1.0] * total
    for rank, index in enumerate(sorted(range(total), key=lambda index: p_values[index])):
        reached = max(reached, min(1.0, (total - rank) * p_values[index]))
        adjusted[index] = reached
    return tuple(adjusted)
