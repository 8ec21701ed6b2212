"""What a training and a sample cost in floating point operations, counted, not estimated.

Convolutions, matrix products and attention count, a multiplication and an addition as two; the
rest is left out. Counted on a batch of one group of images: the cost of a batch is linear in it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from rgm_bench.batching import STDDEV_GROUP
from rgm_bench.build import build_generator, build_latent, build_step
from rgm_bench.config.spec import NcsnppSpec, NumericsSpec, TrainingSpec, canonical_json
from rgm_bench.training.draws import Draws, DrawSource


def step_flops(spec: TrainingSpec, device: torch.device) -> float:
    """Operations of a training step for one image, the lazy penalty spread over all steps."""
    # arms that differ in these cost the same, and one count serves them all
    method = spec.method.model_copy(update={"fidelity_weight": 1.0})
    alike = {"seed": 0, "numerics": NumericsSpec(), "method": method}
    return _count_step(canonical_json(spec.model_copy(update=alike)), device)


@lru_cache(maxsize=64)
def _count_step(text: str, device: torch.device) -> float:
    spec = TrainingSpec.model_validate_json(text)
    draws, step = _draws(spec, device), build_step(spec, device)
    with _Count() as penalised:
        step(draws, step=0, decay=1.0)
    with _Count() as ordinary:
        # step 1 is without the penalty, unless every step is with it
        step(draws, step=1, decay=1.0)
    lazy = (penalised.flops - ordinary.flops) / spec.method.prior.r1.every_steps
    return (ordinary.flops + lazy) / STDDEV_GROUP


def restoration_flops(
    spec: NcsnppSpec, image_shape: tuple[int, int, int], device: torch.device
) -> float:
    """Operations of one evaluation of a generator for one image."""
    return _count_restoration(canonical_json(spec), image_shape, device)


@lru_cache(maxsize=64)
def _count_restoration(text: str, image_shape: tuple[int, int, int], device: torch.device) -> float:
    spec = NcsnppSpec.model_validate_json(text)
    generator = build_generator(spec, image_shape).to(device)
    y = torch.zeros(STDDEV_GROUP, *image_shape, device=device)
    level = torch.zeros(STDDEV_GROUP, dtype=torch.int64, device=device)
    with _Count() as count, torch.no_grad():
        generator(y, level, torch.zeros(STDDEV_GROUP, spec.latent.size, device=device))
    return count.flops / STDDEV_GROUP


def _draws(spec: TrainingSpec, device: torch.device) -> Draws:
    shape = (STDDEV_GROUP, *spec.data.image_shape)
    return DrawSource(
        torch.zeros(shape, dtype=torch.uint8, device=device),
        batch_size=STDDEV_GROUP,
        seed=0,
        horizontal_flip=False,
        num_levels=spec.method.forward.num_levels,
        one_level_per_batch=False,
        latent=build_latent(spec.generator.latent),
    ).at(0)


@final
class _Count(TorchDispatchMode):
    """Adds up torch's own formulas; its FlopCounterMode refuses `torch.autograd.grad`."""

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
