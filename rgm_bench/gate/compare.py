"""A measurement beside its baseline: whether the two can be compared, and what comes of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, final

from rgm_bench.config.gate import SPEEDS
from rgm_bench.errors import StudyError
from rgm_bench.gate.baseline import Measurement, Number, spec_differences
from rgm_bench.gate.device import DEVICE
from rgm_bench.gate.fingerprint import Comparison, compare_fingerprints
from rgm_bench.gate.rule import MIN_SEEDS, Finding, Question, judge

_DOES = {"training": "trains", "evaluation": "measures"}

Verdict = Literal["pass", "improvement", "regression", "inconclusive", "not comparable"]


@final
@dataclass(frozen=True)
class Check:
    """What a check came to.

    Args:
        gate: its name.
        against: what it was compared with, in words.
        current: what was measured.
        baseline: what was measured before.
        verdict: of all numbers together.
        differences: why they cannot be compared, each in words; empty where they can.
        findings: on each number; none where they cannot be compared.
        fingerprints: of each arm; they decide nothing.
        notes: what else is to be known, a sentence each.
    """

    gate: str
    against: str
    current: Measurement
    baseline: Measurement
    verdict: Verdict
    differences: tuple[str, ...]
    findings: tuple[Finding, ...]
    fingerprints: tuple[Comparison, ...]
    notes: tuple[str, ...]


def compare(
    current: Measurement,
    baseline: Measurement,
    *,
    against: str,
    margin: float | None = None,
    others: bool = False,
) -> Check:
    """Check a measurement against a baseline.

    Args:
        current: what was measured.
        baseline: what was measured before.
        against: what the baseline is, in words.
        margin: that the study asks for now; the baseline's own is used, and a note says so where
            they differ.
        others: whether numbers of the baseline that were not measured are left out knowingly.

    Raises:
        StudyError: the baseline has fewer seeds than a gate needs, or two are one observation.
    """
    _require_distinct(current, "measured now")
    _require_distinct(baseline, against)
    before = {number.key: number for number in baseline.numbers}
    differences = tuple(_differences(current, baseline, others=others))
    fingerprints = compare_fingerprints(baseline, current)
    findings: tuple[Finding, ...] = ()
    if not differences:
        _require_seeds(baseline, against)
        findings = judge([_question(number, before[number.key]) for number in current.numbers])
    return Check(
        gate=current.gate,
        against=against,
        current=current,
        baseline=baseline,
        verdict="not comparable" if differences else _verdict(findings),
        differences=differences,
        findings=findings,
        fingerprints=fingerprints,
        notes=(
            *_advice(differences),
            *_notes(current, baseline, findings, margin),
            *_measured_otherwise(current, baseline, fingerprints),
        ),
    )


def require_enough(measurement: Measurement) -> None:
    """Raise StudyError unless every number has the seeds that a baseline needs, none twice."""
    _require_distinct(measurement, "measured now")
    for number in measurement.numbers:
        finite = sum(value is not None for value in number.values.values())
        if finite < MIN_SEEDS:
            raise StudyError(
                f"{number.label}: {finite} of {len(number.ids) or len(number.values)} seeds gave a "
                f"value; a baseline needs {MIN_SEEDS} or more, so none was written"
            )


def _require_distinct(measurement: Measurement, source: str) -> None:
    """Refuse two seeds of the same images: they are one observation, and no spread."""
    for number in measurement.numbers:
        first_with: dict[object, str] = {}
        for seed, found in _told_apart_by(number).items():
            other = first_with.setdefault(found, seed)
            if other != seed:
                raise StudyError(
                    f"{source}: {number.label}: seeds {other} and {seed} have the same images, and "
                    "a gate takes each seed for an observation of its own: hand the seed on to "
                    "all that is drawn, and write a baseline of such images anew with --update"
                )


def _told_apart_by(number: Number) -> Mapping[str, object]:
    """What differs between seeds of different images.

    Without digests the values do where they are distances, whose last bits no two sets share.
    """
    if number.images:
        return number.images
    is_distance = number.scale == "log" and number.metric not in SPEEDS
    return {seed: v for seed, v in number.values.items() if v and is_distance}


def changes(before: Measurement | None, now: Measurement) -> Iterator[str]:
    """What a new baseline has that is another in the old one, a line each."""
    old = {} if before is None else {number.key: number for number in before.numbers}
    if before is not None:
        yield from before.device.differences(now.device)
        for name, digest in now.code.items():
            if before.code.get(name) != digest:
                yield f"code of {name}s: {before.code.get(name, 'absent')} -> {digest}"
    for number in now.numbers:
        known = old.pop(number.key, None)
        if known is None:
            yield f"{number.label}: new, {_values(number)}"
            continue
        for difference in spec_differences(known.spec, number.spec):
            yield f"{number.label}: {difference}"
        if known.values != number.values:
            yield f"{number.label}: {_values(known)} -> {_values(number)}"
        if known.margin != number.margin:
            yield f"{number.label}: margin {known.margin:.3g} -> {number.margin:.3g}"
    for number in old.values():
        yield f"{number.label}: gone, was {_values(number)}"


def _values(number: Number) -> str:
    values = [value for value in number.values.values() if value is not None]
    diverged = len(number.values) - len(values)
    mean = f"mean {sum(values) / len(values):.4g} of {len(values)} seeds" if values else "no value"
    return mean + (f", {diverged} diverged" if diverged else "")


def _require_seeds(baseline: Measurement, against: str) -> None:
    for number in baseline.numbers:
        if len(number.values) < MIN_SEEDS:
            raise StudyError(
                f"{against}: {number.label} has {len(number.values)} seeds; a gate needs "
                f"{MIN_SEEDS} or more: write the baseline anew with --update"
            )


def _question(now: Number, before: Number) -> Question:
    in_pairs = _are_pairs(now, before)
    return Question(
        name=now.label,
        current=now.finite_or_nan,
        baseline=before.finite_or_nan,
        scale=before.scale,
        better=before.better,
        margin=before.margin_in_pairs if in_pairs else before.margin,
        in_pairs=in_pairs,
    )


def _are_pairs(now: Number, before: Number) -> bool:
    """Whether both have a value of the same trained weights for each of the same seeds."""
    whole = all(
        number.weights.keys() == number.values.keys() and None not in number.values.values()
        for number in (now, before)
    )
    return whole and now.weights == before.weights


def _differences(current: Measurement, baseline: Measurement, *, others: bool) -> Iterator[str]:
    """All that makes two measurements another quantity, or another machine's."""
    if current.numbers:
        yield from baseline.device.differences(current.device)
    before = {number.key: number for number in baseline.numbers}
    said: set[str] = set()
    for number in current.numbers:
        known = before.pop(number.key, None)
        found = (
            [f"{number.label}: not in the baseline"]
            if known is None
            else list(spec_differences(known.spec, number.spec))
        )
        yield from (text for text in found if text not in said)
        said |= set(found)
    if not others:
        for number in before.values():
            yield f"{number.label}: in the baseline, and not measured now"


def _verdict(findings: tuple[Finding, ...]) -> Verdict:
    rulings = {finding.ruling for finding in findings}
    for verdict in ("regression", "not comparable", "inconclusive", "improvement"):
        if verdict in rulings:
            return verdict
    return "pass"


def _advice(differences: tuple[str, ...]) -> Iterator[str]:
    if any(difference.startswith(DEVICE) for difference in differences):
        yield "where machines differ, --against REF measures both commits on one"
    if any(not difference.startswith(DEVICE) for difference in differences):
        yield "where another quantity is meant, --update makes it the baseline"


def _measured_otherwise(
    current: Measurement, baseline: Measurement, fingerprints: tuple[Comparison, ...]
) -> Iterator[str]:
    """Numbers that moved, however little, though trainings end or at least begin as they did."""
    begin_alike = {each.arm for each in fingerprints if each.sameness == "same"}
    before = {number.key: number for number in baseline.numbers}
    for number in current.numbers:
        known = before.get(number.key)
        if known is None:
            continue
        same = number.weights.keys() & known.weights.keys()
        other = {seed for seed in same if number.values.get(seed) != known.values.get(seed)}
        retrained = {seed for seed in other if number.weights[seed] != known.weights[seed]}
        moved = f"{number.label}: {len(other)} of {len(same)} seeds have other values than in the"
        if other and not retrained:
            yield (
                f"{moved} baseline, by the same trained weights: what changed is how they are "
                "sampled or measured"
            )
        elif retrained and number.arm in begin_alike:
            yield (
                f"{moved} baseline, and their trainings begin with the same losses and end with "
                "other weights: look at averages, and at what comes after the first steps"
            )


def _notes(
    current: Measurement,
    baseline: Measurement,
    findings: tuple[Finding, ...],
    margin: float | None,
) -> Iterator[str]:
    if any(finding.ruling == "not comparable" for finding in findings):
        yield (
            "the same trained weights score better: where a better sampler is meant and no other "
            "way of measuring, --update makes it the baseline"
        )
    if any(finding.ruling == "improvement" for finding in findings):
        yield "the numbers got better: --update makes them the baseline, so that they stay"
    if margin is not None and any(
        number.margin != margin for number in baseline.numbers if number.metric not in SPEEDS
    ):
        yield f"the margin of {margin:g} holds once --update has written it into the baseline"
    other = [name for name, digest in current.code.items() if baseline.code.get(name) != digest]
    if baseline.code and not other:
        does = " and ".join(_DOES[name] for name in current.code)
        yield f"the code of rgm-bench that {does} is that of the baseline"
    if other:
        yield f"the code of {' and of '.join(f'{name}s' for name in other)} is not the baseline's"
