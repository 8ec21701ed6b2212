"""What a study varies: each value of an axis as an overlay, ready to be laid over the base."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import final

from rgm_bench.config.packaged import with_preset
from rgm_bench.config.placed import Placed, nested
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.reading import described
from rgm_bench.config.trial import AxisValue

PARTS = ("training", "evaluations")
"""What an axis may change."""


@final
@dataclass(frozen=True)
class AxisOverlays:
    """One axis: its labels, the overlay of each, and what the overlays change.

    `multiplies` holds the evaluations that have an arm for each label: all of them as soon as the
    training changes, else those in `changes`, whose own fields differ.
    """

    name: str
    labels: tuple[AxisValue, ...]
    overlays: tuple[Placed, ...]
    multiplies: frozenset[str]
    changes: frozenset[str]
    changes_training: bool


def read_axes(profile: Placed, problems: Problems) -> tuple[AxisOverlays, ...]:
    """The axes of a profile, without those that have mistakes, which are noted."""
    axes = profile.get("axes")
    names = frozenset(evaluations.entries) if (evaluations := profile.get("evaluations")) else ()
    read = (
        read_axis(name, axis, frozenset(names), problems, path=f"axes.{name}")
        for name, axis in (axes.entries if axes else {}).items()
    )
    return tuple(axis for axis in read if axis)


def read_axis(
    name: str, axis: Placed, evaluations: frozenset[str], problems: Problems, *, path: str
) -> AxisOverlays | None:
    """One axis, which is written at `path`; None with its mistakes noted."""
    field, values = axis.get("field"), axis.get("values")
    before = len(problems)
    if values is None or not _has_values(path, axis, values, problems):
        return None
    if field is None:
        steps = _labelled(path, values, evaluations, problems)
    else:
        steps = _field_steps(path, field, values, evaluations, problems)
    if len(problems) > before:
        return None
    return axis_of(name, steps, evaluations)


def axis_of(
    name: str, steps: Mapping[AxisValue, Placed], evaluations: frozenset[str]
) -> AxisOverlays:
    """An axis of overlays, each under its label."""
    overlays = tuple(steps.values())
    changes_training = any("training" in over.entries for over in overlays)
    changes = frozenset(key for over in overlays for key in _evaluations_in(over))
    return AxisOverlays(
        name=name,
        labels=tuple(steps),
        overlays=overlays,
        multiplies=evaluations if changes_training or not changes else changes,
        changes=changes,
        changes_training=changes_training,
    )


def _has_values(path: str, axis: Placed, values: Placed, problems: Problems) -> bool:
    if not (values.is_map or isinstance(values.value, tuple)):
        text = f"found {described(values)}; expected a list of values or a map of labelled overlays"
    elif not (values.entries or values.items):
        text = "the axis is empty; give it at least one value"
    elif values.is_map and "field" in axis.entries:
        text = "an axis has either a field and a list of values, or labelled overlays; found both"
    elif not values.is_map and "field" not in axis.entries:
        text = "a list of values needs the field that they are for, beside it: `field: training...`"
    else:
        return True
    problems.add(values.key_at, f"{path}.values", text)
    return False


def _labelled(
    axis: str, values: Placed, evaluations: frozenset[str], problems: Problems
) -> dict[AxisValue, Placed]:
    steps: dict[AxisValue, Placed] = {}
    for label, over in values.entries.items():
        path = f"{axis}.values.{label}"
        if not over.is_map:
            text = f"found {described(over)}; expected an overlay, or {{}} for no change"
            problems.add(over.at, path, text)
        elif _keys_are_known(path, over, evaluations, problems):
            steps[label] = _written_out(over, problems)
    return steps


def _written_out(over: Placed, problems: Problems) -> Placed:
    training = over.get("training")
    if training is None or "preset" not in training.entries:
        return over
    # The key stays, so that the overlay still replaces the training it is laid over.
    preset = training.entries["preset"]
    whole = with_preset(training, problems) or training
    entries = {**whole.entries, "preset": preset}
    return over.with_entries({**over.entries, "training": whole.with_entries(entries)})


def _keys_are_known(
    path: str, over: Placed, evaluations: frozenset[str], problems: Problems
) -> bool:
    before = len(problems)
    _note_unknown(path, over, PARTS, problems)
    for part in PARTS:
        if (below := over.get(part)) and not below.is_map:
            text = f"found {described(below)}; expected a map of keys and values"
            problems.add(below.at, f"{path}.{part}", text)
    if below := over.get("evaluations"):
        _note_unknown(f"{path}.evaluations", below, evaluations, problems)
    return len(problems) == before


def _note_unknown(path: str, node: Placed, known: Iterable[str], problems: Problems) -> None:
    for key, entry in node.entries.items():
        if key not in known:
            text = f"unknown key; allowed here: {listing(sorted(known))}{nearest(key, known)}"
            problems.add(entry.key_at, f"{path}.{key}", text)


def _field_steps(
    axis: str, field: Placed, values: Placed, evaluations: frozenset[str], problems: Problems
) -> dict[AxisValue, Placed]:
    path = field_path(axis, field, evaluations, problems)
    steps: dict[AxisValue, Placed] = {}
    for value in values.items:
        label = value.value
        if not isinstance(label, str | int | float):
            text = f"found {described(value)}; expected text, a number, or true or false"
            problems.add(value.at, f"{axis}.values", f"{text}; use labelled overlays for more")
        elif label in steps:  # 1, 1.0 and true are one value: they would share a row
            text = f"found {described(value)} twice; each value stands once"
            problems.add(value.at, f"{axis}.values", text)
        else:
            steps[label] = nested(path, value, field.at)
    return steps


def field_path(
    axis: str, field: Placed, evaluations: frozenset[str], problems: Problems
) -> list[str]:
    """The steps to the field that an axis sets; a mistake is noted."""
    where = f"{axis}.field"
    path = str(field.value).split(".")
    if path[0] not in PARTS or len(path) < 2 or not all(path):
        text = f"found {described(field)}; expected a path below training or evaluations, such as "
        hint = nearest(path[0], PARTS) if path[0] not in PARTS else ""
        problems.add(field.at, where, f"{text}training.method.fidelity_weight{hint}")
    elif path[0] == "evaluations" and path[1] not in evaluations:
        text = f'no evaluation is called "{path[1]}"; there are: {listing(sorted(evaluations))}'
        problems.add(field.at, where, text + nearest(path[1], evaluations))
    return path


def _evaluations_in(over: Placed) -> Iterable[str]:
    evaluations = over.get("evaluations")
    return evaluations.entries if evaluations else ()
