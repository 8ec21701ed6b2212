"""Networks of variance preserving schedules as denoisers of x0 + sigma * noise, for any sigma."""

from collections.abc import Callable
from math import log
from typing import Literal, assert_never, final

import torch

from rgm_bench.forward.schedule import Schedule
from rgm_bench.types import Image, Level

Denoise = Callable[[Image, float], Image]
"""x0 + sigma * noise, sigma > 0 -> the estimate of x0, in the same units."""

Predict = Callable[[Image, Level], Image]
"""signal * x0 + sigma * noise, one less than its level -> the noise, or x0."""


@final
class VariancePreservingDenoiser:
    """Asks a network of a schedule's levels to remove noise of any standard deviation.

    The image is scaled to the level whose sigma / signal is nearest on a logarithmic scale.
    Between two levels, and beyond the ends, the network sees a little more or less noise than it
    expects; at the levels' own `sigmas` nothing is rounded.

    Args:
        schedule: the one that the network was trained on.
        predict: the network, with its latent filled in; it is given one less than the level.
        target: what it predicts.
    """

    def __init__(
        self, *, schedule: Schedule, predict: Predict, target: Literal["noise", "data"]
    ) -> None:
        self.predict = predict
        self.target: Literal["noise", "data"] = target
        # in float64 and on the CPU: read one number at a time, far away from the network
        self._signal = schedule.signal[1:].double().cpu()
        self._ratio = schedule.sigma[1:].double().cpu() / self._signal

    def __call__(self, x: Image, sigma: float) -> Image:
        """The estimate of the clean image behind `x`, which holds noise of std `sigma`."""
        index = int((self._ratio.log() - log(sigma)).abs().argmin())
        signal = self._signal[index].item()
        level = torch.full((len(x),), index, device=x.device)
        predicted = self.predict(signal * x, level)
        match self.target:
            case "data":
                return predicted
            case "noise":
                return x - self._ratio[index].item() * predicted
            case _:
                assert_never(self.target)

    def sigmas(self, steps: int) -> tuple[float, ...]:
        """Falling standard deviations at `steps` levels, and a final 0.

        The levels are equally spaced from the last to the first, but for rounding.

        Raises:
            ValueError: the schedule has fewer levels than `steps`.
        """
        num_levels = len(self._ratio)
        if not 1 <= steps <= num_levels:
            raise ValueError(
                f"{steps} steps on a schedule of {num_levels} levels; take from 1 to {num_levels}"
            )
        indices = torch.linspace(num_levels - 1, 0, steps, dtype=torch.float64).round().long()
        return (*self._ratio[indices].tolist(), 0.0)
