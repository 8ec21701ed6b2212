"""Images from a Gaussian: every estimate that a solver may ask for has a closed form."""

from functools import cached_property

import torch
from torch import Tensor

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.inverse.problems import InverseProblem


class GaussianImages:
    """Smooth colour images: neighbours and channels are correlated; float64 throughout."""

    def __init__(self, channels: int = 3, side: int = 8) -> None:
        self.shape = (channels, side, side)
        at = torch.arange(side, dtype=torch.float64)
        along = torch.exp(-(at[:, None] - at).square() / (2 * 2.0**2))
        between = 0.7 + 0.3 * torch.eye(channels, dtype=torch.float64)
        self.covariance = 0.25 * torch.kron(between, torch.kron(along, along))
        self.covariance += 1e-4 * torch.eye(len(self.covariance), dtype=torch.float64)
        self.mean = torch.linspace(-0.4, 0.4, len(self.covariance), dtype=torch.float64)

    @cached_property
    def _axes(self) -> tuple[Tensor, Tensor]:
        return torch.linalg.eigh(self.covariance)

    def draw(self, num: int, rng: torch.Generator) -> Tensor:
        variance, axes = self._axes
        z = torch.randn(num, len(self.mean), generator=rng, dtype=torch.float64)
        return (self.mean + z * variance.sqrt() @ axes.T).reshape(-1, *self.shape)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """E[x0 | x0 + sigma * noise = x]."""
        variance, axes = self._axes
        offset = (x.flatten(1).double() - self.mean) @ axes
        return (self.mean + offset * variance / (variance + sigma**2) @ axes.T).reshape(x.shape)

    def restore(self, y: Tensor, level: Tensor, z: Tensor) -> Tensor:
        """E[x0 | y] for y at the level above `level` of four: what a generator without z learns."""
        table = NoiseForward(4).schedule
        index = int(level[0]) + 1
        signal, sigma = table.signal[index].item(), table.sigma[index].item()
        return self.denoise(y / signal, sigma / signal)

    def matrix(self, problem: InverseProblem) -> Tensor:
        """A, written out: one column for each pixel."""
        pixels = torch.eye(len(self.mean), dtype=torch.float64).reshape(-1, *self.shape)
        return problem.operator.apply(pixels).flatten(1).T

    def posterior_mean(self, problem: InverseProblem, y: Tensor) -> Tensor:
        """E[x0 | y], the best estimate there is in the mean squared error."""
        A = self.matrix(problem)
        # what hidden pixels measure is 0 for sure; the tiny variance keeps the system solvable
        noise = (problem.noise_std**2 + 1e-9) * torch.eye(len(A), dtype=torch.float64)
        gain = self.covariance @ A.T @ torch.linalg.inv(A @ self.covariance @ A.T + noise)
        offset = (y.flatten(1) - A @ self.mean) @ gain.T
        return (self.mean + offset).reshape(-1, *self.shape)
