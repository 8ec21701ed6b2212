"""How far we are from the published code, in every quantity that its reference vectors hold.

    python benchmarks/reference_differences.py

Prints, for each part, the largest difference in what it is compared by: relative to the largest
published entry, in float32. Douglas-Rachford is relative in the L2 norm, and absolute
for its largest pixel; the update of three training steps is relative to its own norm. The tests
hold the same comparisons to their bounds.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import torch

# The comparisons are those of the tests. An installed package may be called `tests` as well, and
# would be found before a folder without an __init__.py.
TESTS = ModuleType("tests")
TESTS.__path__ = [str(Path(__file__).parents[1] / "tests")]
sys.modules["tests"] = TESTS

from tests.reference import forward, inverse, networks, priors, training  # noqa: E402
from tests.vectors import Differences, largest  # noqa: E402

SIZES = ("small", "large")


def comparisons() -> Iterator[tuple[str, Differences]]:
    """Every part that has reference vectors, and its differences."""
    yield "prior MMD", priors.mmd_differences()
    yield "prior DSWD, 10 inner steps", priors.dswd_differences()
    yield "prior KLD", largest(priors.kld_differences(size) for size in SIZES)
    yield "adversary and R1", largest(priors.adversary_differences(size) for size in SIZES)
    for num_levels, kind in forward.NOISE:
        found = forward.noise_tables(num_levels, kind) | forward.noise_levels(num_levels, kind)
        yield f"noise, T = {num_levels}, {kind}", found
    levels = forward.super_resolution_levels
    yield (
        "split SR, T = 7",
        forward.split_tables("original", "sr.T7.original") | levels("sr.T7.original"),
    )
    yield "naive SR, T = 3", forward.naive_tables() | levels("naive_sr.T3.original")
    for task in inverse.PROBLEMS:
        yield f"operator {task}", inverse.operator_differences(task)
        yield (
            f"Douglas-Rachford {task}",
            (inverse.start_differences(task) | inverse.douglas_rachford_differences(task)),
        )
    yield "generator, 16 px", networks.generator_differences()
    for size in SIZES:
        yield f"discriminator, {size}", networks.discriminator_differences(size)
    yield "toy networks", networks.toy_differences()
    for kind in ("kld", "mmd"):
        yield f"three training steps, {kind}", training.training_differences(kind)


def main() -> None:
    torch.set_num_threads(1)
    for part, found in comparisons():
        for quantity, value in found.items():
            print(f"{part:<28} {quantity:<20} {value:.1e}", flush=True)


if __name__ == "__main__":
    main()
