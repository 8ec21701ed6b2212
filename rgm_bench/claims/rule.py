"""What every claim comes down to, whichever kind it is.

A claim is a statement about the true means m of arms, on the scale where they are compared:

    for at least one row, every pair (this, than) of it has  sign * (m_this - m_than) > threshold

One comparison is one row of one pair, an ordering one row with a pair for each step, and "some arm
here beats all arms there" a row for each arm here. Its contrary is the same with the words swapped:
in every row at least one pair has  sign * (m_this - m_than) <= threshold. Exactly one of the two is
true, and enough seeds show which, unless a difference is the threshold itself.
"""

from dataclasses import dataclass
from typing import Literal, final

from rgm_bench.claims.samples import Sample, Scale

Pair = tuple[int, int]
"""`this` and `than`, as positions among the samples of the claim."""


@final
@dataclass(frozen=True)
class Rule:
    """When a claim holds: see the formula of this module.

    Args:
        rows: rows of pairs, all of one length; none where the claim compares nothing.
        sign: 1 where `this` is to be larger, -1 where it is to be smaller.
        threshold: by how much at least, in units of the scale; below zero for "not worse".
    """

    rows: tuple[tuple[Pair, ...], ...]
    sign: Literal[1, -1]
    threshold: float


@final
@dataclass(frozen=True)
class Claim:
    """A statement about arms, with the seeds that are to decide it.

    Args:
        statement: the claim in words, as it goes after "that".
        samples: the arms it speaks of.
        scale: where they are compared.
        rule: when it holds.
    """

    statement: str
    samples: tuple[Sample, ...]
    scale: Scale
    rule: Rule

    def problems(self) -> tuple[str, ...]:
        """Why these seeds cannot decide it, in words and each once; empty where they may."""
        if not self.rule.rows:
            return ("the study has too few arms for it",)
        found = (sample.problem(self.scale) for sample in self.samples)
        return tuple(dict.fromkeys(problem for problem in found if problem))
