"""Small dense networks for points in the plane.

Source: Choi et al. 2023, toy experiments: three layers of 32 with tanh. Parameter names are those
of the published code.
"""

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rgm_bench.types import Latent, Level, PerSample

LEVEL_SCALE = 4.0
"""Levels enter as t / 4, whatever the number of levels."""

Points = Float[Tensor, " batch 2"]


@final
class _Trunk(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        sizes = [inputs, width, width, width]
        layers: list[nn.Module] = []
        for size, following in pairwise(sizes):
            layers += [nn.Linear(size, following), nn.Tanh()]
        self.fc = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


def _with_level(x: Points, level: Level) -> Tensor:
    return torch.cat([x, level[:, None] / LEVEL_SCALE], dim=1)


@final
class ToyGenerator(nn.Module):
    """An estimate of the clean points from degraded ones, their level and a latent.

    Args:
        latent_size: entries of z.
        width: units of each of the three layers.
    """

    def __init__(self, *, latent_size: int = 2, width: int = 32) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.x_module = _Trunk(3 + latent_size, width)
        self.out_module = nn.Sequential(nn.Linear(width, 2))

    def forward(self, y: Points, level: Level, z: Latent) -> Points:
        """The estimate x0_hat; `level` is one less than the observation's own level."""
        return self.out_module(self.x_module(torch.cat([_with_level(y, level), z], dim=1)))


@final
class ToyDiscriminator(nn.Module):
    """A logit for each point and its level.

    Args:
        width: units of each of the three layers.
    """

    def __init__(self, *, width: int = 32) -> None:
        super().__init__()
        self.x_module = _Trunk(3, width)
        self.out_module = nn.Sequential(nn.Linear(width, 1))

    def features(self, x: Points, level: Level) -> Float[Tensor, " batch feature"]:
        """The last hidden layer."""
        return self.x_module(_with_level(x, level))

    def forward(self, x: Points, level: Level) -> PerSample:
        """Logits."""
        return self.out_module(self.features(x, level))[:, 0]
