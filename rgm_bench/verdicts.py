"""The claims of a study, decided by its results."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isinf, nan
from pathlib import Path
from typing import Any, assert_never

from rgm_bench.claims import (
    Claim,
    Sample,
    Verdict,
    better,
    decide,
    interior_minimum,
    not_worse,
    ordering,
    within,
)
from rgm_bench.config.claim import (
    ClaimSpec,
    ComparisonClaimSpec,
    InteriorMinimumClaimSpec,
    OrderingClaimSpec,
    WithinClaimSpec,
)
from rgm_bench.config.spec import TrainingSource
from rgm_bench.config.study import AxisValue, StudySpec, Trial
from rgm_bench.metrics.names import MetricName
from rgm_bench.report import Report, write_report
from rgm_bench.report.claims import ShownClaim
from rgm_bench.report.columns import column
from rgm_bench.report.naming import words
from rgm_bench.report.numbers import label as label_words
from rgm_bench.results.files import to_json, write_whole
from rgm_bench.results.frames import Results
from rgm_bench.results.memory import RememberedResults

CLAIMS_FILE = "claims.json"


@dataclass(frozen=True)
class Decided:
    """A claim under its name in the study, and the verdict on it.

    `evaluations` are the ids of all that it compares, finished or not.
    """

    name: str
    claim: ClaimSpec
    verdict: Verdict
    evaluations: frozenset[str]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        claim = self.claim.model_dump(mode="json")
        verdict = {name: _storable(value) for name, value in asdict(self.verdict).items()}
        return {"name": self.name, "claim": claim, "verdict": verdict}


def _storable(value: Any) -> Any:
    """JSON knows no infinity; beyond the largest float lies what rests on seeds far apart."""
    return sys.float_info.max if isinstance(value, float) and isinf(value) else value


def judge(study: StudySpec, results: Results) -> tuple[Decided, ...]:
    """The verdict on every claim of a study, from the seeds that have finished.

    A seed whose training diverged or whose score is a gap counts as one without a finite value.
    """
    arms = [_Arms(study, results) for _ in study.claims]
    stated = [_stated(*each) for each in zip(study.claims.values(), arms, strict=True)]
    judged = zip(study.claims.items(), decide(stated), arms, strict=True)
    return tuple(
        Decided(name, claim, verdict, frozenset(own.compared))
        for (name, claim), verdict, own in judged
    )


def report(study: StudySpec, results: Results, folder: Path) -> Report:
    """Judge the claims of a study and write its whole report, claims and all, into `folder`.

    Raises:
        StudyError: the study's report asks for a column that there is not.
        StoreError: `folder` cannot be written.
    """
    results = RememberedResults(results)  # claims and tables read the same files
    decided = judge(study, results)
    kept = [write_claims(decided, folder)] if decided else []
    written = write_report(study, results, folder, claims=[shown(each) for each in decided])
    return replace(written, files=(*kept, *written.files))


def shown(decided: Decided) -> ShownClaim:
    """A decided claim with its numbers as texts."""
    claim, verdict = decided.claim, decided.verdict
    effect = "" if verdict.effect is None else f"{verdict.effect_name}: {verdict.effect:.3g}"
    bounded = verdict.low is not None and verdict.high is not None
    # named where a study has several, among which a claim has to choose
    where = f" of {claim.evaluation}" if claim.evaluation else ""
    return ShownClaim(
        name=decided.name,
        text=claim.text or f"{column(claim.metric).title}{where}: {verdict.statement}",
        verdict=verdict.decision,
        effect=effect,
        interval=f"[{verdict.low:.3g}, {verdict.high:.3g}]" if bounded else "",
        n=_seeds(verdict),
        p_holm=verdict.p_holm,
        method=verdict.method,
        explanation=verdict.explanation,
        paper_claim=claim.paper_claim,
    )


def _seeds(verdict: Verdict) -> str:
    """How many seeds the arms have: once where it is the same number for all."""
    counts = [count for _, count in verdict.num_seeds]
    return str(counts[0]) if len(set(counts)) == 1 else " and ".join(map(str, counts))


def write_claims(decided: Sequence[Decided], folder: Path) -> Path:
    """Keep verdicts as `claims.json`."""
    path = folder / CLAIMS_FILE
    write_whole(path, to_json({"claims": [each.to_json() for each in decided]}))
    return path


class _Arms:
    """The values of a metric over the seeds of an arm.

    `compared` holds the ids of the evaluations that samples were asked of so far.
    """

    def __init__(self, study: StudySpec, results: Results) -> None:
        self.compared: set[str] = set()
        self._axes, self._results = study.axes, results
        self._evaluations: dict[str, list[Trial]] = {}
        for trial in study.trials:
            if trial.real is None:
                self._evaluations.setdefault(trial.evaluation, []).append(trial)

    def sample(self, claim: ClaimSpec, labels: Mapping[str, AxisValue], shown: str) -> Sample:
        """The finished seeds of the arm that has `labels`, at the last share of its images.

        No seeds if several arms have them, which only an axis that an override added brings about.
        """
        trials = [
            trial
            for trial in self._measured(claim)
            if all(trial.labels.get(axis) == label for axis, label in labels.items())
        ]
        if len({tuple(trial.labels.items()) for trial in trials}) > 1:
            return Sample(f"{shown} (several arms)", ())
        last = max((_share(trial) for trial in trials), default=1.0)
        trials = [trial for trial in trials if _share(trial) == last]
        self.compared |= {trial.id for trial in trials}
        values = (self._value(trial, claim.metric) for trial in trials)
        return Sample(shown, tuple(value for value in values if value is not None))

    def labels(self, claim: ClaimSpec, axis: str) -> tuple[AxisValue, ...]:
        """The labels on an axis that are measured, in the order of the file."""
        measured = {trial.labels.get(axis) for trial in self._measured(claim)}
        return tuple(label for label in self._axes.get(axis, ()) if label in measured)

    def _measured(self, claim: ClaimSpec) -> Sequence[Trial]:
        name = claim.evaluation or next(iter(self._evaluations), "")
        return self._evaluations.get(name, ())

    def _value(self, trial: Trial, metric: str) -> float | None:
        outcome = self._results.outcome("evaluation", trial.id)
        if outcome is None:
            return nan if self._has_diverged(trial) else None
        if outcome.status != "ok":
            return nan
        measure = trial.spec.measure
        name = str(MetricName(metric, measure.space, measure.count))
        # a result of earlier code may lack a metric that is new
        return nan if name in outcome.gaps else outcome.metrics.get(name)

    def _has_diverged(self, trial: Trial) -> bool:
        """Whether the training ended before the weights that the trial would measure."""
        source = trial.spec.source
        if not isinstance(source, TrainingSource) or trial.training_id is None:
            return False
        training = self._results.outcome("training", trial.training_id)
        if training is None or training.status != "diverged":
            return False
        return training.images < source.training.images_at(source.at)


def _share(trial: Trial) -> float:
    source = trial.spec.source
    return source.at if isinstance(source, TrainingSource) else 1.0


def _stated(claim: ClaimSpec, arms: _Arms) -> Claim:
    about = column(claim.metric)
    scale, direction = about.scale, about.better or "lower"
    match claim:
        case ComparisonClaimSpec():
            compare = better if claim.kind == "better" else not_worse
            this, than = _pair(claim, arms)
            return compare(this, than, scale=scale, margin=claim.margin, direction=direction)
        case OrderingClaimSpec():
            samples = [_along(claim, claim.over, label, arms) for label in claim.order]
            return ordering(samples, scale=scale, margin=claim.margin, trend=claim.direction)
        case InteriorMinimumClaimSpec():
            samples = [_along(claim, claim.over, label, arms) for label in _sorted(claim, arms)]
            return interior_minimum(samples, scale=scale, margin=claim.margin, direction=direction)
        case WithinClaimSpec():
            return within(
                *_inside_and_outside(claim, arms),
                scale=scale,
                margin=claim.margin,
                direction=direction,
            )
        case _:
            assert_never(claim)


def _pair(claim: ComparisonClaimSpec, arms: _Arms) -> tuple[Sample, Sample]:
    this, than = (
        arms.sample(claim, {**claim.at, **labels}, _words(labels))
        for labels in (claim.this, claim.than)
    )
    return this, than


def _inside_and_outside(claim: WithinClaimSpec, arms: _Arms) -> tuple[list[Sample], list[Sample]]:
    inside: list[Sample] = []
    outside: list[Sample] = []
    for label in arms.labels(claim, claim.over):
        is_inside = not isinstance(label, str) and claim.low <= label <= claim.high
        part = inside if is_inside else outside
        part.append(_along(claim, claim.over, label, arms))
    return inside, outside


def _sorted(claim: InteriorMinimumClaimSpec, arms: _Arms) -> Sequence[AxisValue]:
    """The labels of the axis in the order of the file, or by size where all are numbers."""
    labels = arms.labels(claim, claim.over)
    numbers = [label for label in labels if isinstance(label, int | float)]
    return sorted(numbers) if len(numbers) == len(labels) else labels


def _along(claim: ClaimSpec, over: str, label: AxisValue, arms: _Arms) -> Sample:
    return arms.sample(claim, {**claim.at, over: label}, _words({over: label}))


def _words(labels: Mapping[str, AxisValue]) -> str:
    return ", ".join(
        label if isinstance(label, str) else f"{words(axis)} {label_words(label)}"
        for axis, label in labels.items()
    )
