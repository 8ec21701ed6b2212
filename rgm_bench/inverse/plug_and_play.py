"""Plug-and-play Douglas-Rachford splitting with a trained restoration in place of a prior."""

from typing import final

import torch

from rgm_bench.forward.base import ForwardProcess
from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.base import Network
from rgm_bench.types import FeatureMap, Image


@final
class PlugAndPlay(Solver):
    """Lets a generator and the measurement correct an image in turn.

    A step at level t degrades the image x to that level, restores it, and goes a share of the way
    there: u = (1 - relaxation) x + relaxation G(x_t, t - 1, z). Then x becomes
    x + prox(2 u - x) - u, with the proximal map of data_weight / 2 * ||A x - y||^2. An iteration
    takes one step at every level from `num_levels` down to 1, all on the same x.

    If x -> u is the proximal map of a penalty, u tends to the minimiser of that penalty plus the
    data term. The result is x, as published, not u: it reproduces the measurement only as far as
    the generator's last correction was small, and goes past it where `data_weight` times a squared
    singular value of A is above 1. So noisy measurements want less than that, or their noise grows.

    Source: Choi et al. 2023, Sec. 5, and the published code for the relaxation and the order of
    the levels. The generator there was trained with 4 levels.

    Args:
        forward: the forward process that the generator was trained on.
        restore: the generator.
        latent: where z comes from, afresh in every step.
        relaxation: alpha, how much of the generator's correction is taken. Published: 0.05 for
            super-resolution, 0.5 for colorization.
        data_weight: w of the data term, a sum over measurements. Published: 10 for
            super-resolution, 5 for colorization.
        iterations: passes over the levels. Published: 40 for super-resolution, 20 for colorization.
        num_levels: the highest level of a pass, at most that of the forward process. Published: 1
            for super-resolution, 2 for colorization.
        noise_factor: what the noise of each degradation is multiplied with.

    Raises:
        ValueError: the forward process has fewer levels than `num_levels`.
    """

    def __init__(
        self,
        *,
        forward: ForwardProcess,
        restore: Network,
        latent: LatentDistribution,
        relaxation: float,
        data_weight: float,
        iterations: int,
        num_levels: int,
        noise_factor: float = 0.99,
    ) -> None:
        if not 1 <= num_levels <= forward.num_levels:
            raise ValueError(
                f"passes over {num_levels} levels of a forward process that has "
                f"{forward.num_levels}; take from 1 to {forward.num_levels}"
            )
        self.forward, self.network, self.latent = forward, restore, latent
        self.relaxation, self.data_weight = relaxation, data_weight
        self.iterations, self.num_levels = iterations, num_levels
        self.noise_factor = noise_factor

    @property
    def network_evaluations(self) -> int:
        """One for every level of every iteration."""
        return self.iterations * self.num_levels

    @torch.no_grad()
    def restore(self, problem: InverseProblem, y: FeatureMap, rng: torch.Generator) -> Image:
        """The image after the last iteration, from the lifted measurement on."""
        x = problem.lift(y)
        for _ in range(self.iterations):
            for level in range(self.num_levels, 0, -1):
                x_hat = self._estimate(x, level, rng)
                u = (1 - self.relaxation) * x + self.relaxation * x_hat
                x = x + problem.operator.prox(2 * u - x, y, self.data_weight) - u
        return x

    def _estimate(self, x: Image, index: int, rng: torch.Generator) -> Image:
        level = torch.full((len(x),), index, device=x.device)
        noise = torch.randn(x.shape, generator=rng, device=rng.device, dtype=x.dtype)
        x_t = self.forward.sample(x, level, self.noise_factor * noise)
        return self.network(x_t, level - 1, self.latent.draw(len(x), rng))
