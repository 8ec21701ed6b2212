"""Layers that the generator and the discriminator share.

Parameter names follow the published checkpoints, so that these load as they are.
"""

from math import log, sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rgm_bench.types import Level

SKIP_SCALE = 1 / sqrt(2)
"""Keeps the variance of a sum of two branches that have equal variance."""


def scaled_uniform_(weight: Tensor, fan_in: int, fan_out: int, scale: float = 1.0) -> None:
    """Fill `weight` from the uniform distribution with variance `scale / mean(fan_in, fan_out)`.

    Args:
        weight: filled in place.
        fan_in: inputs of one output.
        fan_out: outputs of one input.
        scale: 0 stands for 1e-10, so that the layer starts as nearly nothing.

    Source: Glorot and Bengio 2010, Eq. (16), with a scale as in the published code.
    """
    bound = sqrt(3 * max(scale, 1e-10) / ((fan_in + fan_out) / 2))
    nn.init.uniform_(weight, -bound, bound)


def conv(
    inputs: int, outputs: int, size: int = 3, *, scale: float = 1.0, bias: bool = True
) -> nn.Conv2d:
    """A convolution that keeps height and width, with scaled uniform weights and zero bias."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias)
    scaled_uniform_(layer.weight, inputs * size**2, outputs * size**2, scale)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def dense(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer with scaled uniform weights and zero bias."""
    layer = nn.Linear(inputs, outputs)
    scaled_uniform_(layer.weight, inputs, outputs)
    nn.init.zeros_(layer.bias)
    return layer


def level_embedding(level: Level, size: int) -> Float[Tensor, " batch size"]:
    """Sines, then cosines, of the integer level at frequencies from 1 down to 1/10000.

    Source: Vaswani et al. 2017, Sec. 3.5; the slowest frequency is exactly 1/10000, as in DDPM.
    """
    half = size // 2
    frequency = torch.exp(torch.arange(half, device=level.device) * (-log(10000) / (half - 1)))
    angle = level.float()[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=1)
