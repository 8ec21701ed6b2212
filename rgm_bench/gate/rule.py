"""The rule of a gate: pass, regression or inconclusive, from the seeds of two versions.

`worse` is how much worse the code that is checked is than the baseline, on the scale where they are
compared: for FID the logarithm of the ratio of their means. Trainings by other code share nothing
but the name of a seed, so seeds are not paired and the test is the Welch test of
`rgm_bench.claims`. Where both versions measured the same trained weights, bit for bit, all that
differs is how, and seeds are compared in pairs: Student's t test of their differences.

    regression     p < 0.05 that it is not worse, by Holm over the numbers of the gate, and worse by
                   more than the margin; or a seed gives no finite value, and none of the baseline
    improvement    the same the other way round, unpaired
    not comparable the same in pairs: weights that are the same have not got better, but are sampled
                   or measured otherwise, and a better sampler looks like an easier measure
    pass           no regression, and the upper 95 % bound of `worse` lies below the smallest
                   worsening that this gate finds 9 times in 10: such a one is excluded
    inconclusive   neither

Where nothing has changed a gate calls a regression in at most 5 of 100 checks, however many numbers
it holds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, expm1, isfinite, log1p, sqrt
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtrit

from rgm_bench.claims.holm import holm
from rgm_bench.claims.kinds import Direction
from rgm_bench.claims.samples import Sample, Scale
from rgm_bench.claims.welch import Contrast, Moments, Studies, contrast, moments
from rgm_bench.gate.power import LEVEL, detectable, seeds_that_decide

MIN_SEEDS = 5
"""With fewer on either side a gate finds little and is often wrong."""

_LARGEST = 700.0
"""Logarithms beyond it have no float."""

Ruling = Literal["pass", "improvement", "regression", "inconclusive", "not comparable"]


@final
@dataclass(frozen=True)
class Question:
    """One number of a gate: what the seeds of two versions gave.

    Args:
        name: what the number is called.
        current: value by seed, of the code that is checked; not finite where a seed diverged.
        baseline: the same of the baseline.
        scale: where they are compared.
        better: which values are better.
        margin: what the mean may worsen without mattering: a share on the log scale, in units of
            the number on the plain one.
        in_pairs: whether a seed stands for the same trained weights on either side; then both have
            the same seeds, and a finite value of each.
    """

    name: str
    current: Mapping[str, float]
    baseline: Mapping[str, float]
    scale: Scale
    better: Direction
    margin: float
    in_pairs: bool = False

    @property
    def threshold(self) -> float:
        """The margin in units of the scale."""
        return log1p(self.margin) if self.scale == "log" else self.margin

    def newly_diverged(self) -> tuple[str, ...]:
        """Seeds that gave no finite value, where all of the baseline did."""
        if not all(map(isfinite, self.baseline.values())):
            return ()
        return tuple(seed for seed, value in self.current.items() if not isfinite(value))

    def samples(self) -> tuple[Sample, Sample]:
        """The finite values of the code that is checked, and of the baseline, by their seeds."""
        return (
            Sample("this code", _finite(self.current)),
            Sample("the baseline", _finite(self.baseline)),
        )

    def problem(self) -> str | None:
        """Why these seeds cannot decide, in words; None where they can."""
        for sample in self.samples():
            if len(sample.values) < MIN_SEEDS:
                count = len(sample.values)
                return f"{count} seeds of {sample.label} gave a value; {MIN_SEEDS} are needed"
            if flaw := sample.flaw(self.scale):
                return flaw
        return None


@final
@dataclass(frozen=True)
class Evidence:
    """What seeds say, for one check or for many at once.

    Args:
        worse: how much worse the mean is, in units of the scale.
        low: the lower bound of its 95 % interval; `worse` itself where neither side varies.
        high: the upper one.
        bound: the upper 95 % bound of it, on one side.
        p_worse: one-sided p value if it is no worse.
        p_better: one-sided p value if it is no better.
        varies: whether there is any spread.
    """

    worse: Studies
    low: Studies
    high: Studies
    bound: Studies
    p_worse: Studies
    p_better: Studies
    varies: Bool[np.ndarray, " studies"]


@final
@dataclass(frozen=True)
class Finding:
    """The ruling on one number, and what it rests on.

    Args:
        name: of the number.
        ruling: what the rule says.
        scale: where the two were compared.
        current: mean of the code that is checked, geometric on the log scale; None without values.
        baseline: mean of the baseline.
        effect: of `current` over `baseline`: a ratio on the log scale, else a difference.
        low: the lower bound of the 95 % interval of the effect.
        high: the upper one.
        p: one-sided, that the code is no worse, by Holm over the numbers of the gate.
        margin: as in the question.
        detectable: the smallest worsening found 9 times in 10, as a share or a difference; None
            where the seeds find nothing.
        seeds: finite values of the code that is checked, and of the baseline.
        seeds_needed: on either side, to come to a verdict; None where that is not the question, or
            where 1000 would not do.
        reason: why, where it is not for the numbers.
        in_pairs: as in the question.
    """

    name: str
    ruling: Ruling
    scale: Scale
    margin: float
    seeds: tuple[int, int]
    current: float | None = None
    baseline: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    detectable: float | None = None
    seeds_needed: int | None = None
    reason: str = ""
    in_pairs: bool = False


def usual_margin(values: Mapping[str, float | None], scale: Scale) -> float:
    """The margin that repeated runs ask for: the standard error of the mean over seeds.

    A share on the log scale, in units of the values on the plain one; 0 where no spread can be
    told.

    Args:
        values: by seed; None where a seed diverged.
        scale: where they are compared.
    """
    sample = Sample("", tuple(value for value in values.values() if value is not None))
    if sample.problem(scale):
        return 0.0
    found = moments(np.array([sample.on(scale)]))
    error = sqrt(float(found.variance[0]) / found.num_seeds)
    return expm1(error) if scale == "log" else error


def unpaired(current: Moments, baseline: Moments, better: Direction) -> Contrast:
    """How much worse one version is than the other, whose seeds have nothing in common."""
    larger, smaller = (current, baseline) if better == "lower" else (baseline, current)
    return contrast(larger, smaller)


def paired(worse: Moments) -> Contrast:
    """The same where each seed has a difference of its own.

    Where none of them varies, so many worsenings are one of 2^n equally likely ways for the signs
    of n differences to fall.
    """
    return Contrast(
        difference=worse.mean,
        error=np.sqrt(worse.variance / worse.num_seeds),
        freedom=np.full_like(worse.mean, worse.num_seeds - 1),
        num_splits=2**worse.num_seeds,
    )


def weigh(found: Contrast) -> Evidence:
    """Weigh how much worse a version is, on the scale where versions are compared."""
    varies = found.error > 0
    one_side = np.where(varies, stdtrit(found.freedom, 1 - LEVEL) * found.error, 0.0)
    low, high = found.interval(0.95)
    return Evidence(
        worse=found.difference,
        low=np.where(varies, low, found.difference),
        high=np.where(varies, high, found.difference),
        bound=found.difference + one_side,
        p_worse=found.above(0.0),
        p_better=found.below(0.0),
        varies=varies,
    )


def is_regression(
    worse: Float[np.ndarray, "*checks"], p_holm: Float[np.ndarray, "*checks"], threshold: float
) -> Bool[np.ndarray, "*checks"]:
    """Whether it is worse beyond chance and by more than the margin; see the module."""
    return (p_holm < LEVEL) & (worse > threshold)


def judge(questions: Sequence[Question]) -> tuple[Finding, ...]:
    """The findings on all numbers of a gate, in their order."""
    weighed = [None if each.problem() else weigh(_contrast(each)) for each in questions]
    worse = holm([1.0 if one is None else float(one.p_worse[0]) for one in weighed])
    better = holm([1.0 if one is None else float(one.p_better[0]) for one in weighed])
    level = LEVEL / max(1, len(questions))
    return tuple(
        _unweighed(question) if one is None else _weighed(question, one, p, p_better, level)
        for question, one, p, p_better in zip(questions, weighed, worse, better, strict=True)
    )


def _unweighed(question: Question) -> Finding:
    """What is left to say where one side has too few finite values."""
    current, baseline = question.samples()
    diverged = question.newly_diverged()
    return Finding(
        name=question.name,
        ruling="regression" if diverged else "inconclusive",
        scale=question.scale,
        margin=question.margin,
        seeds=(len(current.values), len(baseline.values)),
        reason=_diverged_words(diverged) if diverged else question.problem() or "",
    )


def _weighed(
    question: Question, found: Evidence, p_worse: float, p_better: float, level: float
) -> Finding:
    current, baseline = _moments(question)
    spread = sqrt(float(baseline.variance[0]))
    num = current.num_seeds, baseline.num_seeds
    smallest = detectable(*num, spread=spread, margin=question.threshold, level=level)
    diverged = question.newly_diverged()
    ruling = "regression" if diverged else _ruling(question, found, p_worse, p_better, smallest)
    needed = None
    if ruling == "inconclusive":
        pooled = sqrt(float(baseline.variance[0] + current.variance[0]) / 2)
        needed = seeds_that_decide(
            float(found.worse[0]),
            more_than=max(num),
            spread=pooled,
            margin=question.threshold,
            level=level,
        )
    effect, low, high = _effect(question, found)
    return Finding(
        name=question.name,
        ruling=ruling,
        scale=question.scale,
        margin=question.margin,
        seeds=num,
        current=_shown(float(current.mean[0]), question.scale),
        baseline=_shown(float(baseline.mean[0]), question.scale),
        effect=effect,
        low=low,
        high=high,
        p=p_worse,
        detectable=_as_margin(smallest, question.scale),
        seeds_needed=needed,
        reason=_diverged_words(diverged) if diverged else "",
        in_pairs=question.in_pairs,
    )


def _contrast(question: Question) -> Contrast:
    if not question.in_pairs:
        return unpaired(*_moments(question), question.better)
    current, baseline = (np.array(sample.on(question.scale)) for sample in question.samples())
    worse = current - baseline if question.better == "lower" else baseline - current
    return paired(moments(worse[None]))


def _ruling(
    question: Question, found: Evidence, p_worse: float, p_better: float, smallest: float
) -> Ruling:
    threshold, worse = question.threshold, found.worse
    if is_regression(worse, np.array([p_worse]), threshold)[0]:
        return "regression"
    if is_regression(-worse, np.array([p_better]), threshold)[0]:
        return "not comparable" if question.in_pairs else "improvement"
    if found.bound[0] < smallest or (not found.varies[0] and worse[0] <= threshold):
        return "pass"
    return "inconclusive"


def _moments(question: Question) -> tuple[Moments, Moments]:
    current, baseline = (
        moments(np.array([sample.on(question.scale)])) for sample in question.samples()
    )
    return current, baseline


def _effect(question: Question, found: Evidence) -> tuple[float, float, float]:
    """The effect with its interval, in the direction of the values and not of what is worse."""
    worse, low, high = (float(each[0]) for each in (found.worse, found.low, found.high))
    bounds = (worse, low, high) if question.better == "lower" else (-worse, -high, -low)
    center, lower, upper = (_shown(bound, question.scale) for bound in bounds)
    return center, lower, upper


def _shown(value: float, scale: Scale) -> float:
    """A value of the scale as it is shown; two seeds far apart have bounds beyond all floats."""
    return exp(max(-_LARGEST, min(value, _LARGEST))) if scale == "log" else value


def _as_margin(worse: float, scale: Scale) -> float | None:
    if not isfinite(worse):
        return None
    return _shown(worse, scale) - 1 if scale == "log" else worse


def _finite(values: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(values[seed] for seed in sorted(values) if isfinite(values[seed]))


def _diverged_words(seeds: Sequence[str]) -> str:
    plural = "s" * (len(seeds) > 1)
    return (
        f"seed{plural} {', '.join(seeds)} gave no finite value, and every seed of the baseline did"
    )
