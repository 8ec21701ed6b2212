"""What a study took of processors, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from rgm_bench.report.select import Row, is_missing
from rgm_bench.results.frames import hours


@final
@dataclass(frozen=True)
class Hours:
    """CPU and GPU hours of the units of a study, each unit once.

    `num_unknown` counts finished units whose results do not say what they were given.
    """

    cpu: float
    gpu: float
    num_units: int
    num_unknown: int

    def __str__(self) -> str:
        """`Took 3.2 CPU hours and 0 GPU hours in 36 units.`; nothing if no unit says."""
        if not self.num_units:
            return ""
        took = f"Took {self.cpu:.3g} CPU hours and {self.gpu:.3g} GPU hours in "
        took += f"{self.num_units:,} unit{'s' * (self.num_units != 1)}"
        unknown = f"; {self.num_unknown:,} more do not say" if self.num_unknown else ""
        return f"{took}{unknown}."


def hours_of(trials: Sequence[Row]) -> Hours:
    """The hours of all units behind some trials, also of those that other studies share."""
    costs: dict[str, dict[str, float]] = {}
    for trial in trials:
        for unit, prefix in (("evaluation", ""), ("training", "training_")):
            if not is_missing(trial[f"{unit}_digest"]):
                names = ("seconds", "cpus", "gpus")
                found = {name: trial[prefix + name] for name in names}
                known = {name: value for name, value in found.items() if not is_missing(value)}
                costs[f"{unit} {trial[f'{unit}_id']}"] = known
    cpu = [value for cost in costs.values() if (value := hours(cost, "cpu")) is not None]
    gpu = [value for cost in costs.values() if (value := hours(cost, "gpu")) is not None]
    return Hours(sum(cpu), sum(gpu), len(cpu), len(costs) - len(cpu))
