"""The first losses of a training: whether this code still computes the same numbers.

It takes seconds and decides nothing. Equal losses say that trainings begin alike: averages, samples
and metrics come after them. Other ones say from which step on it is another computation, for better
or worse.
"""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, final

from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import ImportedSpec, TrainingSpec, spec_id
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.gate.baseline import Fingerprint, Measurement

STEPS = 20
"""Steps that are taken: rates of a lazy penalty every 16 steps have been paid once by then."""

Sameness = Literal["same", "other", "incomparable"]


@final
@dataclass(frozen=True)
class Comparison:
    """The fingerprint of an arm beside that of the baseline, `text` in words."""

    arm: str
    sameness: Sameness
    text: str


def fingerprints(study: StudySpec, trials: tuple[Trial, ...]) -> tuple[Fingerprint, ...]:
    """The fingerprint of every arm of `trials`, at its first seed; nothing is kept in a store.

    Weights that are imported are not trained, and have none.
    """
    from rgm_bench.gate.naming import arm_of

    first: dict[str, TrainingSpec] = {}
    for trial in trials:
        training = trial.training
        if training is not None and not isinstance(training.method, ImportedSpec):
            first.setdefault(arm_of(trial), training)
    known: dict[str, dict[str, str]] = {}  # arms that differ in their sampler share a training
    found: list[Fingerprint] = []
    for arm, training in first.items():
        unit = spec_id(training)
        if unit not in known:
            gpus, parts = study.resources.gpus, study.parts
            known[unit] = first_losses(training, gpus=gpus, parts=parts)
        found.append(Fingerprint(arm=arm, training=unit, losses=known[unit]))
    return tuple(found)


def first_losses(
    spec: TrainingSpec, *, gpus: float = 0, parts: Parts = NO_PARTS, steps: int = STEPS
) -> dict[str, str]:
    """The losses of the first steps as hexadecimal floats with their steps, by their names.

    Args:
        spec: of the training.
        gpus: of one unit; 0 keeps to the CPU.
        parts: classes of the user's own.
        steps: how many; fewer where the whole training has fewer.
    """
    from rgm_bench.build.training import build_training
    from rgm_bench.execution.device import take_device

    training = build_training(spec, take_device(gpus), parts)
    losses: dict[str, list[str]] = {}
    for number in range(min(steps, spec.steps)):
        decay = training.decay(number)
        for name, loss in training.step(
            training.draws.at(number), step=number, decay=decay
        ).items():
            # a lazy penalty has a loss in some steps only: the number of the step goes with it
            losses.setdefault(name, []).append(f"{number}:{float(loss).hex()}")
    return {name: " ".join(values) for name, values in losses.items()}


def compare_fingerprints(baseline: Measurement, current: Measurement) -> tuple[Comparison, ...]:
    """Each fingerprint of the current code beside that of the baseline."""
    before = {each.arm: each for each in baseline.fingerprints}
    return tuple(
        _compared(before.get(each.arm), each, list(baseline.device.differences(current.device)))
        for each in current.fingerprints
    )


def _compared(before: Fingerprint | None, now: Fingerprint, devices: list[str]) -> Comparison:
    if before is None:
        return Comparison(now.arm, "incomparable", "the baseline has no fingerprint of this arm")
    if devices:
        text = f"cannot be compared, made on another kind of device ({'; '.join(devices)})"
        return Comparison(now.arm, "incomparable", text)
    if before.training != now.training:
        text = "cannot be compared, the baseline is of another training"
        return Comparison(now.arm, "incomparable", text)
    first = _first_difference(before, now)
    if first is None:
        return Comparison(now.arm, "same", "same numbers as the baseline")
    return Comparison(now.arm, "other", f"other numbers from step {first} on")


def _first_difference(before: Fingerprint, now: Fingerprint) -> int | None:
    """The first step, counted from 1, in which a loss differs; None where all are equal."""
    steps: list[int] = []
    for name in {*before.losses, *now.losses}:
        both = (each.losses.get(name, "").split() for each in (before, now))
        pairs = zip_longest(*both, fillvalue="")
        differing = next((pair for pair in pairs if pair[0] != pair[1]), None)
        if differing is not None:
            steps.append(min(int(value.split(":")[0]) + 1 for value in differing if value))
    return min(steps, default=None)
