"""What the seeds of one arm measured."""

from dataclasses import dataclass
from math import log
from typing import Literal, assert_never, final

Scale = Literal["log", "plain"]
"""Where arms are compared.

`log`: by their ratio, for distances such as FID and W2, whose spread over seeds grows with their
size. `plain`: by their difference, for what may be zero or negative (KID, PSNR, SSIM, shares,
counts).
"""

LARGEST = 1e100
"""No metric is as large as this; beyond it, squares leave the range of floats."""


@final
@dataclass(frozen=True)
class Sample:
    """The values of one metric over the seeds of one arm.

    Empty where nothing has finished. A training that diverged belongs in it as NaN: to leave it out
    would judge the arm by its survivors.

    Args:
        label: what the arm is called in the verdict.
        values: one for each training seed, in any order.
    """

    label: str
    values: tuple[float, ...]

    def flaw(self, scale: Scale) -> str | None:
        """Why there is not even a mean on `scale`, in words; None where there is one."""
        total = len(self.values)
        unusable = sum(not abs(value) < LARGEST for value in self.values)
        if total == 0:
            return f"{self.label} has no finished seed"
        if unusable:
            seeds = f"{unusable} of {total} seeds" if total > 1 else "the one seed"
            return f"{seeds} of {self.label} gave no finite value"
        if scale == "log" and min(self.values) <= 0:
            return f"{self.label} has a value that is not above 0, so no logarithm"
        return None

    def problem(self, scale: Scale) -> str | None:
        """Why there is no test on `scale`, in words; None where there is one."""
        if flaw := self.flaw(scale):
            return flaw
        if len(self.values) == 1:
            return f"{self.label} has one seed, and a spread needs two"
        return None

    def on(self, scale: Scale) -> tuple[float, ...]:
        """The values as they are compared: their logarithms on the log scale."""
        match scale:
            case "log":
                return tuple(log(value) for value in self.values)
            case "plain":
                return tuple(float(value) for value in self.values)
            case _:
                assert_never(scale)
