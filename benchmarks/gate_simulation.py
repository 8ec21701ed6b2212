"""What comes of a gate where nothing has changed, and at the size that it says it finds.

    python benchmarks/gate_simulation.py [--numbers 3] [--checks 20000]

Normal values, a spread that the gate does not know, the usual margin, and each check with a
baseline of its own. Then the share of false alarms of one baseline that is kept: its checks share
its luck.
"""

import argparse
from dataclasses import dataclass
from math import sqrt
from typing import final

import numpy as np

from rgm_bench.claims.holm import holm
from rgm_bench.claims.welch import moments
from rgm_bench.gate.power import LEVEL, detectable
from rgm_bench.gate.rule import is_regression, unpaired, weigh

SEEDS = ((5, 5), (5, 8), (5, 20), (8, 8), (16, 16))
NUM_BASELINES = 300


@final
@dataclass(frozen=True)
class Gate:
    """A gate of several numbers of equal spread, simulated.

    Args:
        current: seeds of a check.
        baseline: seeds of the baseline.
        numbers: how many are gated.
    """

    current: int
    baseline: int
    numbers: int

    @property
    def smallest(self) -> float:
        """The smallest regression found 9 times in 10, in units of the measured spread."""
        share = 1 / sqrt(self.baseline)
        level = LEVEL / self.numbers
        return detectable(self.current, self.baseline, spread=1.0, margin=share, level=level)

    def rulings(
        self,
        rng: np.random.Generator,
        checks: int,
        *,
        worse: float = 0.0,
        one_baseline: bool = False,
    ) -> tuple[float, float]:
        """The shares of checks that are a regression, and that are inconclusive.

        Args:
            rng: where values are drawn from.
            checks: how many.
            worse: by how much the first number is, in units of its measured spread.
            one_baseline: whether one baseline is drawn for all checks.
        """
        p, worsened, bounds, spreads = [], [], [], []
        for number in range(self.numbers):
            kept = rng.normal(size=(1 if one_baseline else checks, self.baseline))
            before = moments(np.broadcast_to(kept, (checks, self.baseline)))
            spread = np.sqrt(before.variance)
            shift = worse * spread[:, None] if number == 0 else 0.0
            now = moments(shift + rng.normal(size=(checks, self.current)))
            found = weigh(unpaired(now, before, "lower"))
            p.append(found.p_worse)
            worsened.append(found.worse)
            bounds.append(found.bound)
            spreads.append(spread)
        adjusted = np.array([holm(row) for row in np.stack(p, axis=1).tolist()])
        spread, shown = np.stack(spreads, axis=1), np.stack(worsened, axis=1)
        regression = is_regression(shown - spread / sqrt(self.baseline), adjusted, 0.0)
        passes = np.stack(bounds, axis=1) < self.smallest * spread
        alarm = regression.any(axis=1)
        return float(alarm.mean()), float((~alarm & ~passes.all(axis=1)).mean())


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--numbers", type=int, default=3, help="of the gate")
    parser.add_argument("--checks", type=int, default=20_000)
    options = parser.parse_args()
    print("seeds      unchanged             finds its size   alarms of one baseline")
    print("           alarms inconclusive   (spreads)        median   9 in 10 below")
    for current, baseline in SEEDS:
        gate = Gate(current, baseline, options.numbers)
        rng = np.random.default_rng(0)
        alarms, open_ = gate.rulings(rng, options.checks)
        power, _ = gate.rulings(rng, options.checks, worse=gate.smallest)
        fixed = [
            gate.rulings(rng, options.checks // 20, one_baseline=True)[0]
            for _ in range(NUM_BASELINES)
        ]
        print(
            f"{current:2} + {baseline:2}    {alarms:6.1%} {open_:11.1%}   {power:7.1%} "
            f"({gate.smallest:.2f})   {np.median(fixed):11.1%} {np.quantile(fixed, 0.9):13.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
