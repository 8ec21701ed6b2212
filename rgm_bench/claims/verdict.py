"""What a study says of one of its claims."""

from dataclasses import dataclass
from typing import Literal, final

Decision = Literal["supported", "contradicted", "inconclusive"]


@final
@dataclass(frozen=True)
class Verdict:
    """The decision on a claim, and what it rests on.

    Args:
        decision: supported or contradicted where the p value after Holm is at most 0.05.
        statement: the claim in words.
        effect: of the pair of arms on which the claim stands or falls; None where no value is.
        effect_name: what the effect is, such as "T=4 / T=1" or "T=4 - T=1".
        low: the lower bound of the 95 % interval of the effect, before any correction.
        high: its upper bound. Both None where no spread can be told.
        num_seeds: labels of the arms with the number of their seeds.
        p: two-sided, corrected for the arms inside the claim only; None where nothing is tested.
        p_holm: corrected for the other claims of the study as well.
        method: the test in words.
        power: beside `inconclusive`, how likely such a study decides the claim if the arms are what
            they seem to be.
        seeds_needed: beside `inconclusive`, seeds an arm that decide it with probability 0.8 if the
            arms are what they seem to be; None also where 1000 would not do.
        explanation: one sentence.
    """

    decision: Decision
    statement: str
    effect: float | None
    effect_name: str
    low: float | None
    high: float | None
    num_seeds: tuple[tuple[str, int], ...]
    p: float | None
    p_holm: float | None
    method: str
    power: float | None
    seeds_needed: int | None
    explanation: str
