"""How many processes fit on the machines of a cluster.

A process takes all it needs from one machine, and all it needs of a GPU from one card: what is left
over on several of them holds nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

_PARTS = 10_000
"""Ray counts in ten-thousandths: as floats ten times 0.1 would not fit into 1."""


@final
@dataclass(frozen=True)
class Machine:
    """What a machine has for processes."""

    cpus: float
    gpus: float

    @classmethod
    def of(cls, resources: Mapping[str, float]) -> "Machine":
        """The machine with such resources, in Ray's words for them."""
        return cls(resources.get("CPU", 0.0), resources.get("GPU", 0.0))

    def __str__(self) -> str:
        return f"{self.cpus:g} CPUs and {self.gpus:g} GPUs"


def num_fitting(machines: Iterable[Machine], *, cpus: float, gpus: float) -> int:
    """How many processes run at once on all machines together.

    Args:
        machines: those that live.
        cpus: of one process.
        gpus: of one process; a fraction lets several share a card.
    """
    return sum(_fitting(machine, cpus, gpus) for machine in machines)


def _fitting(machine: Machine, cpus: float, gpus: float) -> int:
    fit = _times(cpus, machine.cpus)
    if not gpus:
        return fit
    if gpus < 1:
        return min(fit, int(machine.gpus) * _times(gpus, 1))
    return min(fit, _times(gpus, machine.gpus))


def _times(part: float, whole: float) -> int:
    return round(whole * _PARTS) // max(1, round(part * _PARTS))


def why_no_room(
    machines: Sequence[Machine], *, cpus: float, gpus: float, processes: int
) -> str | None:
    """Why not even one training runs on all machines together, for people; None where one does.

    Args:
        machines: those that live.
        cpus: of one process.
        gpus: of one process.
        processes: that share a training.
    """
    room = num_fitting(machines, cpus=cpus, gpus=gpus)
    if room >= processes:
        return None
    each, field, only = "a unit", "gpus=0", ""
    if processes > 1:
        each, field = f"for each of {processes} processes of a training", "processes=1"
        only = f", and {room} of them fit{'s' * (room == 1)} on all together"
    return (
        f"no unit fits: the study's resources ask for {cpus:g} CPUs and {gpus:g} GPUs {each} on "
        f"one node, and the largest of {len(machines)} Ray nodes has "
        f"{_largest(machines, gpus)}{only}; use another profile, `--set resources.{field}`, "
        "or larger nodes"
    )


def _largest(machines: Sequence[Machine], gpus: float) -> Machine:
    """The machine that a process fits on if it fits on any: by its GPUs, where it needs some."""
    return max(
        machines,
        key=lambda each: (each.gpus, each.cpus) if gpus else (each.cpus, each.gpus),
        default=Machine(0, 0),
    )
