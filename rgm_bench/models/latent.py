"""The auxiliary latent z that lets one observation have many restorations."""

from typing import final

import torch

from rgm_bench.types import Latent


@final
class LatentDistribution:
    """Where z comes from.

    Args:
        size: entries of z.
        zeros: True for the arm without a latent, where z is zero in training and in sampling.
    """

    def __init__(self, *, size: int, zeros: bool = False) -> None:
        self.size = size
        self.zeros = zeros

    def draw(self, num: int, rng: torch.Generator) -> Latent:
        """`num` latents on the generator's device. Zeros draw nothing from it."""
        if self.zeros:
            return torch.zeros(num, self.size, device=rng.device)
        return torch.randn(num, self.size, generator=rng, device=rng.device)
