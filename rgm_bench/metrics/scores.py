"""Scores that are numbers, and reasons for those that are not.

JSON, tables and tests of significance have no place for NaN or infinity. A score that is not a
finite number is a gap: it has a reason instead of a value, and the other scores are kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Self, TypeAlias, final

from rgm_bench.metrics.names import MetricName

Score: TypeAlias = float | str
"""A number, or the reason why there is none."""


def finite_or(value: float, reason: str) -> Score:
    """The value if it is finite, else the reason."""
    return value if isfinite(value) else reason


@final
@dataclass(frozen=True)
class Scores:
    """What a suite of metrics came to.

    Args:
        metrics: finite numbers by name.
        gaps: by the name of each other metric, why it has no number.
    """

    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    gaps: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, found: Mapping[str, Score]) -> Self:
        """Numbers apart from reasons; a number that is not finite becomes a gap."""
        known = {
            name: score if isinstance(score, str) else finite_or(score, f"its value is {score}")
            for name, score in found.items()
        }
        return cls(
            metrics={name: each for name, each in known.items() if not isinstance(each, str)},
            gaps={name: each for name, each in known.items() if isinstance(each, str)},
        )

    def without(self, name: str) -> "Scores":
        """The same but for one."""
        return Scores(
            metrics={each: value for each, value in self.metrics.items() if each != name},
            gaps={each: reason for each, reason in self.gaps.items() if each != name},
        )

    def named(self, extractor: str, num_images: int) -> "Scores":
        """The same under full names."""

        def full(name: str) -> str:
            return str(MetricName(name, extractor, num_images))

        return Scores(
            metrics={full(name): value for name, value in self.metrics.items()},
            gaps={full(name): reason for name, reason in self.gaps.items()},
        )
