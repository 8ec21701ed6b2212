"""Degradation by one linear operator and growing noise: y = signal * A x0 + std * noise."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from rgm_bench.forward.base import ForwardProcess, half_squared_norm
from rgm_bench.forward.operators import LinearOperator
from rgm_bench.forward.schedule import Schedule
from rgm_bench.types import Level, Observation, PerSample, Sample


@final
class LinearGaussian(ForwardProcess):
    """The same operator at every level above data, and Gaussian noise of diagonal covariance.

    std = sigma * `noise_scale`, where zeros are allowed: such entries are observed without noise,
    and the pseudo-inverse of the covariance leaves them out of the fidelity.

    Where an entry has no noise, keep A x0 zero there too, as hidden pixels of `Inpainting` are:
    otherwise the last level still shows signal * A x0, which is faint but exact, and a generator
    learns to read in it what `start` cannot give.

    Source: Choi et al. 2023, Eq. (7), the objective for a general y ~ N(A x, Sigma); with
    `Identity` and a scale of 1 this is `NoiseForward`.

    Args:
        operator: A, with measurements of the size of an image; `Projection` makes one of any.
        schedule: signal and sigma by level.
        noise_scale: not negative, of a size that broadcasts to an image.

    Raises:
        ValueError: a negative noise scale, or, when applied, measurements of another size.
    """

    def __init__(
        self, *, operator: LinearOperator, schedule: Schedule, noise_scale: Float[Tensor, "*event"]
    ) -> None:
        if (noise_scale < 0).any():
            raise ValueError(
                f"a noise scale of {noise_scale.min().item()}; it is a standard deviation, "
                "so 0 (no noise) or more"
            )
        self.num_levels = schedule.num_levels
        self.operator, self.schedule, self.noise_scale = operator, schedule, noise_scale

    def to(self, device: torch.device) -> None:
        """Move the operator, the tables of levels and the noise scale to `device`."""
        self.operator.to(device)
        self.schedule = self.schedule.to(device)
        self.noise_scale = self.noise_scale.to(device)

    def sample(self, x0: Sample, level: Level, noise: Sample) -> Observation:
        """Signal * A x0 + sigma * noise_scale * noise, and at level 0 the data without A."""
        signal, sigma = self.schedule.at(level, x0)
        y = signal * self._degrade(x0) + sigma * self.noise_scale.to(x0) * noise
        return torch.where(level.reshape(-1, *[1] * (x0.ndim - 1)) == 0, x0, y)

    def fidelity(self, x_hat: Sample, y: Observation, level: Level) -> PerSample:
        """Half the squared norm of (Sigma^+)^(1/2) (y - signal * A x_hat)."""
        signal, sigma = self.schedule.at(level, y)
        scale = self.noise_scale.to(y)
        inverse_scale = torch.where(scale > 0, 1 / scale, 0)
        return half_squared_norm((y - signal * self._degrade(x_hat)) * inverse_scale / sigma)

    def start(self, noise: Sample) -> Observation:
        """noise_scale * noise: the signal left at the last level is ignored, and its sigma is 1."""
        return self.noise_scale.to(noise) * noise

    def _degrade(self, x: Sample) -> Observation:
        degraded = self.operator.apply(x)
        if degraded.shape != x.shape:
            raise ValueError(
                f"an operator that makes {_sizes(degraded)} of {_sizes(x)}; an observation has "
                "the size of an image: wrap the operator in Projection"
            )
        return degraded


def _sizes(images: Tensor) -> str:
    return "x".join(str(size) for size in images.shape[1:])
