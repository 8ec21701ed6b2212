"""How far our forward processes are from the published ones."""

import torch
from torch import Tensor

from rgm_bench.forward.base import ForwardProcess
from rgm_bench.forward.downsample import NaiveSuperResolution, SplitSuperResolution
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.forward.schedule import ScheduleKind, variance_preserving
from tests.vectors import Differences, difference, largest, load

NOISE = [(1, "original"), (4, "original"), (8, "original"), (4, "square")]
SUPER_RESOLUTION: dict[str, ForwardProcess] = {
    "sr.T7.original": SplitSuperResolution(7),
    "naive_sr.T3.original": NaiveSuperResolution(3),
}
RUNG = torch.tensor([0, 1, 1, 2, 2, 3, 3, 4])
"""The published table of the split has one entry for each rung of noise, used at two levels."""


def noise_tables(num_levels: int, kind) -> Differences:
    tensors, _ = load("forward")
    schedule, prefix = variance_preserving(num_levels, kind), f"noise.T{num_levels}.{kind}"
    return {
        "signal": difference(schedule.signal, tensors[f"{prefix}.signal"]),
        "sigma": difference(schedule.sigma, tensors[f"{prefix}.sigma"]),
    }


def split_tables(kind: ScheduleKind, prefix: str) -> Differences:
    """From the tables under `prefix`, those of the split's own or of noise at its rungs."""
    tensors, _ = load("forward")
    forward = SplitSuperResolution(7, kind)
    signal, sigma = (tensors[f"{prefix}.{name}"][RUNG] for name in ("signal", "sigma"))
    return {
        "signal": difference(forward.signal, signal),
        "sigma": difference(forward.noise_std, 2**RUNG * sigma),
    }


def naive_tables() -> Differences:
    tensors, _ = load("forward")
    forward = NaiveSuperResolution(3)
    return {
        "signal": difference(forward.signal, tensors["naive_sr.T3.original.signal"]),
        "sigma": difference(forward.fidelity_std, tensors["naive_sr.T3.original.sigma"]),
    }


def noise_levels(num_levels: int, kind) -> Differences:
    """The largest over all levels, of draws, fidelity and posterior."""
    forward = NoiseForward(num_levels, kind)
    return largest(
        _draws(f"noise.T{num_levels}.{kind}", forward, index) | _posterior(forward, kind, index)
        for index in range(num_levels)
    )


def super_resolution_levels(prefix: str) -> Differences:
    """The largest over all levels; each averages noise that the file holds at full size."""
    forward = SUPER_RESOLUTION[prefix]
    return largest(_draws(prefix, forward, index) for index in range(forward.num_levels))


def _draws(prefix: str, forward: ForwardProcess, index: int) -> Differences:
    tensors, _ = load("forward")
    y, y_next, level = _observations(forward, index)
    fidelity = forward.fidelity(tensors["input.x0_hat"], y_next, level + 1)
    found = {"y_level": y, "y_next_level": y_next, "fidelity_of_x0_hat": fidelity}
    return {
        name: difference(ours, tensors[f"{prefix}.level{index}.{name}"])
        for name, ours in found.items()
    }


def _posterior(forward: NoiseForward, kind: str, index: int) -> Differences:
    tensors, _ = load("forward")
    _, y_next, level = _observations(forward, index)
    prefix = f"noise.T{forward.num_levels}.{kind}.level{index}"
    noise = tensors["input.noise_s"]
    between = forward.posterior_sample(tensors["input.x0_hat"], y_next, level, noise)
    step = forward.step_fidelity(between, y_next, level)
    return {
        "posterior_sample": difference(between, tensors[f"{prefix}.posterior_sample"]),
        "posterior_fidelity": difference(step, tensors[f"{prefix}.posterior_fidelity"]),
    }


def _observations(forward: ForwardProcess, index: int) -> tuple[Tensor, Tensor, Tensor]:
    tensors, _ = load("forward")
    x0 = tensors["input.x0"]
    level = torch.full((len(x0),), index)
    y = forward.sample(x0, level, tensors["input.noise_s"])
    return y, forward.sample(x0, level + 1, tensors["input.noise_t"]), level
