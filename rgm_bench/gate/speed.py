"""Speed as a ratio to a fixed piece of work that is timed in the same process, before and after.

Seconds of two machines, or of one at two times, are no comparison; their ratio to the calibration
is a better one. On a CPU seconds are those of the processor, so that what else runs there counts
little. It is measured afresh for every check and never read from a store.
"""

import time
from collections.abc import Callable
from itertools import count

import torch

from rgm_bench.build.networks import build_generator
from rgm_bench.build.sampling import build_sampler
from rgm_bench.build.training import build_training
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import SamplerSpec, TrainingSpec
from rgm_bench.execution.device import take_device
from rgm_bench.rng import generator
from rgm_bench.sampling.blocks import BLOCK

STEPS = 20
"""Training steps between two calibrations."""

SAMPLINGS = 4
"""Blocks of images between two calibrations."""

WARM_UP_STEPS = 3

CALIBRATION_ROUNDS = 30


def training_times(
    spec: TrainingSpec, repeats: int, *, gpus: float = 0, parts: Parts = NO_PARTS
) -> list[float]:
    """Seconds of a training step, over seconds of the calibration, several times."""
    device = take_device(gpus)
    training = build_training(spec, device, parts)
    steps = count()

    def step() -> None:
        number = next(steps)
        training.step(training.draws.at(number), step=number, decay=1.0)

    for _ in range(WARM_UP_STEPS):
        step()
    return [ratio / STEPS for ratio in _ratios(step, STEPS, repeats, device)]


def sampling_rates(
    sampler: SamplerSpec,
    spec: TrainingSpec,
    repeats: int,
    *,
    gpus: float = 0,
    parts: Parts = NO_PARTS,
) -> list[float]:
    """Images sampled in the time of the calibration, several times.

    The network has its first weights: what they are takes no other time.
    """
    device = take_device(gpus)
    network = build_generator(spec.generator, spec.data.event_shape).to(device).eval()
    built = build_sampler(sampler, spec, network.requires_grad_(False), device, parts)

    def sample() -> None:
        built.sample(BLOCK, generator(device, 0, "speed"))

    sample()
    return [BLOCK * SAMPLINGS / ratio for ratio in _ratios(sample, SAMPLINGS, repeats, device)]


def _ratios(
    work: Callable[[], None], times: int, repeats: int, device: torch.device
) -> list[float]:
    """How long `times` of some work take in units of the calibration, `repeats` times."""
    calibrate = _calibration(device)
    _seconds(calibrate, 1, device)  # the first one chooses kernels
    before = _seconds(calibrate, CALIBRATION_ROUNDS, device)
    ratios: list[float] = []
    for _ in range(repeats):
        taken = _seconds(work, times, device)
        after = _seconds(calibrate, CALIBRATION_ROUNDS, device)
        ratios.append(taken / ((before + after) / 2))
        before = after
    return ratios


def _calibration(device: torch.device) -> Callable[[], None]:
    """A convolution and a matrix product, forwards and backwards, at the size of a small model."""
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(64, 16, 16, 16, generator=rng).to(device)
    kernel = torch.randn(16, 16, 3, 3, generator=rng).to(device).requires_grad_()
    matrix = torch.randn(256, 256, generator=rng).to(device).requires_grad_()

    def work() -> None:
        seen = torch.nn.functional.conv2d(images, kernel, padding=1).flatten(2)
        (seen @ matrix).square().mean().backward()
        kernel.grad = matrix.grad = None

    return work


def _seconds(work: Callable[[], None], times: int, device: torch.device) -> float:
    clock = time.perf_counter if device.type == "cuda" else time.process_time
    _wait_for(device)
    started = clock()
    for _ in range(times):
        work()
    _wait_for(device)
    return clock() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
