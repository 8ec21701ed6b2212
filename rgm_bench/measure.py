"""What a training will take, measured by doing a little of it."""

import time
from dataclasses import dataclass

import torch

from rgm_bench.build.training import build_training
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import TrainingSpec
from rgm_bench.cost import restoration_flops, step_flops
from rgm_bench.trial import peak_memory_bytes

STEPS = 20
WARM_UP_STEPS = 3
"""Steps before the clock starts: the first ones allocate, choose kernels and compile."""


@dataclass(frozen=True)
class TrainingCost:
    """The cost of a whole training, by `STEPS` steps of it on the device at hand.

    `flops` counts convolutions and matrix products; `restoration_flops` is of one evaluation of the
    generator for one image.
    """

    seconds: float
    images_per_second: float
    peak_memory_bytes: int
    flops: float
    flops_per_image: float
    restoration_flops: float
    parameters: int


def measure_training(
    spec: TrainingSpec, device: torch.device, parts: Parts = NO_PARTS
) -> TrainingCost:
    """Run the first steps of a training, and leave nothing behind."""
    training = build_training(spec, device, parts)
    for number in range(WARM_UP_STEPS):
        training.step(training.draws.at(number), step=number, decay=1.0)
    _wait_for(device)
    started = time.perf_counter()
    for number in range(WARM_UP_STEPS, WARM_UP_STEPS + STEPS):
        training.step(training.draws.at(number), step=number, decay=1.0)
    _wait_for(device)
    step_seconds = (time.perf_counter() - started) / STEPS
    flops = step_flops(spec, device, parts)
    return TrainingCost(
        seconds=step_seconds * spec.steps,
        images_per_second=spec.batch_size / step_seconds,
        peak_memory_bytes=peak_memory_bytes(device),
        flops=flops * spec.images,
        flops_per_image=flops,
        restoration_flops=restoration_flops(spec.generator, spec.data.event_shape, device),
        parameters=sum(p.numel() for p in training.step.generator.parameters()),
    )


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
