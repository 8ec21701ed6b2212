"""What a training and a sample cost in floating point operations, counted, not estimated.

Convolutions, matrix products and attention count, a multiplication and an addition as two; the
rest is left out.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from rgm_bench.batching import STDDEV_GROUP
from rgm_bench.build.networks import build_generator
from rgm_bench.build.training import build_draws, build_step
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import (
    GeneratorSpec,
    ImportedSpec,
    NumericsSpec,
    RgmSpec,
    TrainingSpec,
    adversary_of,
    canonical_json,
    generator_adapter,
    stored_spec,
)
from rgm_bench.training.base import TrainingStep
from rgm_bench.training.step import RestorationStep


def step_flops(spec: TrainingSpec, device: torch.device, parts: Parts = NO_PARTS) -> float:
    """Operations of a training step for one sample, the lazy penalty spread over all steps.

    0 for imported weights.
    """
    if isinstance(spec.method, ImportedSpec):
        return 0.0
    # arms that differ in these cost the same, and one count serves them all
    alike: dict[str, Any] = {"seed": 0, "numerics": NumericsSpec()}
    if isinstance(spec.method, RgmSpec):
        alike["method"] = spec.method.model_copy(update={"fidelity_weight": 1.0})
    return _count_step(canonical_json(spec.model_copy(update=alike)), device, parts)


@lru_cache(maxsize=64)
def _count_step(text: str, device: torch.device, parts: Parts) -> float:
    spec = stored_spec(TrainingSpec, json.loads(text))
    step = build_step(spec, device, parts)
    batch = _batch_of(spec, step)
    data = torch.zeros(batch, *spec.data.event_shape, device=device)
    draws = build_draws(spec, step, data, batch, device).at(0)
    step(draws, step=0, decay=1.0)  # the first in a process also makes what is then kept
    with OperationCount() as penalised:
        step(draws, step=0, decay=1.0)
    with OperationCount() as ordinary:
        # step 1 is without the penalty, unless every step is with it
        step(draws, step=1, decay=1.0)
    adversary = adversary_of(spec.method)
    every = adversary.r1.every_steps if adversary else 1
    lazy = (penalised.flops - ordinary.flops) / every
    return (ordinary.flops + lazy) / batch


def _batch_of(spec: TrainingSpec, step: TrainingStep) -> int:
    """One group of images, where the cost of a batch is linear in it; else a whole batch."""
    if isinstance(step, RestorationStep) and not step.objective.prior.additive:
        return spec.batch_size
    return STDDEV_GROUP


def restoration_flops(
    spec: GeneratorSpec, event_shape: tuple[int, ...], device: torch.device
) -> float:
    """Operations of one evaluation of a generator for one sample."""
    return _count_restoration(generator_adapter.dump_json(spec), event_shape, device)


@lru_cache(maxsize=64)
def _count_restoration(text: bytes, event_shape: tuple[int, ...], device: torch.device) -> float:
    spec = generator_adapter.validate_json(text)
    generator = build_generator(spec, event_shape).to(device)
    y = torch.zeros(STDDEV_GROUP, *event_shape, device=device)
    level = torch.zeros(STDDEV_GROUP, dtype=torch.int64, device=device)
    z = torch.zeros(STDDEV_GROUP, spec.latent.size, device=device)
    with torch.no_grad():
        generator(y, level, z)  # see above
        with OperationCount() as count:
            generator(y, level, z)
    return count.flops / STDDEV_GROUP


@final
class OperationCount(TorchDispatchMode):
    """Operations of what runs while it is on, in `flops`, by torch's own formulas.

    torch's FlopCounterMode refuses `torch.autograd.grad`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        formula: Callable[..., int] | None = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result
