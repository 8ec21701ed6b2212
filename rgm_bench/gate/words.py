"""Findings in plain words."""

from rgm_bench.claims.samples import Scale
from rgm_bench.gate.rule import Finding


def amount(value: float | None, scale: Scale) -> str:
    """A margin or a worsening: a share in percent on the log scale, else a plain number."""
    if value is None:
        return "none"
    return f"{100 * value:.3g} %" if scale == "log" else f"{value:.3g}"


def change(finding: Finding) -> str:
    """By how much the mean has moved, with the 95 % interval: `+5.6 % [+2.1 %, +9.3 %]`."""
    if finding.effect is None or finding.low is None or finding.high is None:
        return ""
    bounds = (finding.effect, finding.low, finding.high)
    if finding.scale == "log":
        center, low, high = (f"{100 * (ratio - 1):+.3g} %" for ratio in bounds)
    else:
        center, low, high = (f"{difference:+.3g}" for difference in bounds)
    return f"{center} [{low}, {high}]"


def explained(finding: Finding) -> str:
    """Why a finding is what it is, in a sentence."""
    if finding.reason:
        return f"{finding.reason}."
    pairs = ", in pairs of the same trained weights" if finding.in_pairs else ""
    moved = f"{change(finding)}, p {p_words(finding.p)}{pairs}"
    margin = amount(finding.margin, finding.scale)
    match finding.ruling:
        case "regression":
            return f"worse beyond chance and by more than the margin of {margin}: {moved}."
        case "improvement":
            return f"better beyond chance and by more than the margin of {margin}: {moved}."
        case "not comparable":
            return f"the same trained weights are sampled or measured otherwise: {change(finding)}."
        case "pass":
            smallest = amount(finding.detectable, finding.scale)
            return f"no regression, and one of {smallest} is excluded: {moved}."
        case "inconclusive":
            return f"neither a regression nor excluded: {moved}; {_advice(finding)}."


def found_from(finding: Finding) -> str:
    """The smallest regression of a number that its seeds find 9 times in 10."""
    if finding.detectable is None:
        return "No regression is found with so few seeds."
    smallest = amount(finding.detectable, finding.scale)
    return f"The smallest regression found 9 times in 10: {smallest}."


def p_words(p: float | None) -> str:
    """A p value as it is shown."""
    if p is None:
        return ""
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"


def _advice(finding: Finding) -> str:
    if finding.seeds_needed is None:
        return "more seeds would hardly decide it"
    return (
        f"{finding.seeds_needed} seeds on either side (here {finding.seeds[0]} and "
        f"{finding.seeds[1]}) would decide it 9 times in 10, if the difference is what it seems"
    )
