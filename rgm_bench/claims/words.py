"""Claims and verdicts in plain words."""

from collections.abc import Sequence

from rgm_bench.claims.rule import Claim
from rgm_bench.claims.samples import Sample, Scale


def listed(samples: Sequence[Sample]) -> str:
    """The labels as an enumeration."""
    labels = [sample.label for sample in samples]
    if len(labels) < 2:
        return "".join(labels) or "no arm"
    return f"{', '.join(labels[:-1])} and {labels[-1]}"


def margin_words(margin: float, scale: Scale) -> str:
    """What a margin adds to a statement; nothing where it is zero."""
    if margin == 0:
        return ""
    return (
        f" by more than {100 * margin:.4g} %" if scale == "log" else f" by more than {margin:.4g}"
    )


def effect_name(claim: Claim, this: int, than: int) -> str:
    """What the effect is: a ratio on the log scale, a difference on the plain one."""
    symbol = "/" if claim.scale == "log" else "-"
    return f"{claim.samples[this].label} {symbol} {claim.samples[than].label}"


def method_words(claim: Claim, num_claims: int, *, varies: bool) -> str:
    """The test in words, with every correction that was made.

    Args:
        claim: what was tested.
        num_claims: of the study.
        varies: whether the decisive pair of arms shows any spread.
    """
    what = "logarithms" if claim.scale == "log" else "values"
    parts = [f"Welch's t test of {what} of unpaired seeds, 2.5 % on either side"]
    if not varies:
        parts.append("permutation test where neither arm varies")
    rows = claim.rule.rows
    if rows and len(rows[0]) > 1:
        parts.append(
            f"supported if all {len(rows[0])} comparisons hold (intersection-union), contradicted "
            "if any fails (Bonferroni)"
        )
    if len(rows) > 1:
        parts.append(f"for any of {len(rows)} arms (Bonferroni)")
    if num_claims > 1:
        parts.append(f"Holm over {num_claims} claims")
    return "; ".join(parts)


def effect_words(name: str, effect: float, low: float | None, high: float | None) -> str:
    """An effect with its interval, where it has one."""
    bounds = "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"
    return f"{name} is {effect:.3g}{bounds}"


def p_words(p: float, p_holm: float, num_claims: int) -> str:
    """A p value, and what the other claims of the study make of it."""
    among = "" if num_claims == 1 else f" ({_p(p_holm)} among {num_claims} claims)"
    return f"p {_p(p)}{among}"


def power_words(power: float, seeds: int | None, *, target: float, most_seeds: int) -> str:
    """What more seeds would bring."""
    more = f"more than {most_seeds}" if seeds is None else f"{seeds}"
    return (
        f"if the arms are what they seem, such a study decides it with probability {power:.2f}, "
        f"and {more} seeds an arm would with {target}"
    )


def _p(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"
