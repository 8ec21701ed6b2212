"""Made-up studies: arms whose seeds are drawn from known distributions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rgm_bench.claims.decide import LEVEL
from rgm_bench.claims.rule import Claim
from rgm_bench.claims.samples import Sample
from rgm_bench.claims.weigh import weigh
from rgm_bench.claims.welch import moments

NUM_STUDIES = 20_000
ALLOWED = LEVEL + 3 * (LEVEL * (1 - LEVEL) / NUM_STUDIES) ** 0.5
"""Three standard errors of the simulation above the promised rate."""

Noise = Callable[[np.random.Generator, tuple[int, int]], "np.ndarray[Any, Any]"]


def named(count: int) -> list[Sample]:
    return [Sample(f"arm {index}", ()) for index in range(count)]


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> "np.ndarray[Any, Any]":
    return rng.normal(size=shape)


@dataclass(frozen=True)
class Rates:
    """Shares of studies with each verdict."""

    supported: float
    contradicted: float

    @property
    def decided(self) -> float:
        return self.supported + self.contradicted


def rates(
    claim: Claim,
    means: Sequence[float],
    spreads: float | Sequence[float],
    num_seeds: int | Sequence[int],
    *,
    noise: Noise = normal,
    level: float = LEVEL,
    num_studies: int = NUM_STUDIES,
) -> Rates:
    """How the claim fares, alone in its study, with these means and spreads on its own scale."""
    rng, count = np.random.default_rng(1), len(means)
    spreads = [spreads] * count if isinstance(spreads, float) else spreads
    seeds = [num_seeds] * count if isinstance(num_seeds, int) else num_seeds
    arms = [
        moments(mean + spread * noise(rng, (num_studies, n)))
        for mean, spread, n in zip(means, spreads, seeds, strict=True)
    ]
    weights = weigh(claim.rule, arms)
    decided, leans = weights.p <= level, weights.in_favour < weights.against
    return Rates(float((decided & leans).mean()), float((decided & ~leans).mean()))
