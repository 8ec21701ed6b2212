"""What `retry` does before it runs a study: units are forgotten, unless somebody works on them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from rgm_bench.plan import Plan, PlannedUnit
    from rgm_bench.results.store import Store


@final
@dataclass
class Forgotten:
    """How many units were forgotten, and why each of the others was left, by its id."""

    number: int = 0
    left: dict[str, str] = field(default_factory=dict[str, str])


def forget(plan: "Plan", wanted: Collection[str], store: "Store") -> Forgotten:
    """Forget units of a plan, and with a training that is wanted what measured it.

    Args:
        plan: trainings before what measures them.
        wanted: ids; empty for all that diverged.
        store: that has the units.

    Raises:
        StoreError: the store cannot be written.
    """
    store.settle()
    done = Forgotten()
    for planned in plan.units:
        unit = planned.unit
        chosen = unit.id in wanted if wanted else planned.state == "diverged"
        if not (chosen or unit.needs in wanted):
            continue
        why = _why_left(planned, plan, store, done.left)
        if why is None and not store.forget(unit.kind, unit.id):
            why = "another command works on it"
        if why is None:
            done.number += 1
        else:
            done.left[unit.id] = why
    return done


def left_lines(left: Mapping[str, str], plan: "Plan") -> Iterator[str]:
    """A line for each unit that was left: which it is, and why."""
    for planned in plan.units:
        if planned.unit.id in left:
            unit, why = planned.unit, left[planned.unit.id]
            yield f"left:     {unit.kind} {unit.id} ({planned.label}): {why}"


def _why_left(
    planned: "PlannedUnit", plan: "Plan", store: "Store", left: Mapping[str, str]
) -> str | None:
    unit = planned.unit
    if unit.needs in left:
        return "its training was left"
    measure = (each.unit.id for each in plan.units if each.unit.needs == unit.id)
    if any(map(store.is_held, measure)):
        return "another command measures it"
    return None
