"""Denoising diffusion restoration models: the peer, from deepinv.

deepinv takes 1.5 s to import, so it is imported by the first restoration and not before.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import sqrt
from typing import final

import torch

from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.denoisers import Denoise
from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.inverse.singular import singular_basis
from rgm_bench.types import FeatureMap, Image


@final
class Ddrm(Solver):
    """Diffusion from noise to an image, steered in the singular basis of the operator.

    Every step denoises, then draws the next, less noisy image: coefficients that were measured
    well enough come from the measurement, the others from the estimate. Without noise the result
    reproduces the measurement.

    deepinv 0.5 departs from the paper in two points, and both are undone by the unit that pixels
    are handed over in, sqrt(2) times the first of `sigmas`. It divides all noise that it draws by
    sqrt(2) and tells the denoiser of the whole; and it drops measurements whose noise, divided by
    the singular value, is above 1, where it should be above the first of `sigmas`.

    Source: Kawar et al. 2022, Eqs. (4) to (8), as implemented in deepinv. Its mean is not clamped.

    Args:
        denoise: x0 + sigma * noise, sigma -> estimate of x0; it is never asked about sigma 0.
        sigmas: falling standard deviations, from one far above that of the images and of the
            measurement's noise, down to a final 0.
        eta: how much of the noise of what was not measured is drawn afresh; 0.85 in the paper.
        etab: how much of what was measured comes from the measurement; 1 in the paper.

    Raises:
        ValueError: `sigmas` do not fall, or do not end at 0.
    """

    def __init__(
        self, *, denoise: Denoise, sigmas: Sequence[float], eta: float = 0.85, etab: float = 1.0
    ) -> None:
        falling = all(before > after for before, after in pairwise(sigmas))
        if len(sigmas) < 2 or not falling or sigmas[-1] != 0:
            raise ValueError(f"sigmas {list(sigmas)}; at least two must fall to a final 0")
        self.denoise, self.sigmas = denoise, tuple(sigmas)
        self.eta, self.etab = eta, etab

    @property
    def network_evaluations(self) -> int:
        """One for every standard deviation but the last, 0."""
        return len(self.sigmas) - 1

    def restore(self, problem: InverseProblem, y: FeatureMap, rng: torch.Generator) -> Image:
        """One draw: not the mean of what could have been measured as `y`.

        Raises:
            ValueError: the singular value decomposition of the problem's operator is not known.
        """
        from deepinv.physics import DecomposablePhysics, GaussianNoise
        from deepinv.sampling import DDRM

        first = self.sigmas[0]
        basis = singular_basis(problem.operator, problem.operator.adjoint(y))
        physics = DecomposablePhysics(
            U=basis.measurement,
            U_adjoint=basis.measured,
            V=basis.transform,
            V_adjoint=basis.transform,
            mask=basis.values,  # pyright: ignore[reportArgumentType] typed float, documented tensor
            # without a noise model deepinv would take a standard deviation of 0.01 for granted
            noise_model=GaussianNoise(y.new_tensor(problem.noise_std / first)),
            device=y.device,
        )
        sampler = DDRM(
            denoiser=self._denoise_in_units,
            sigmas=[sigma / first for sigma in self.sigmas],
            eta=self.eta,
            etab=self.etab,
            eps=0.0,
        )
        with _global_stream_from(rng):
            return self._unit * sampler(y / self._unit, physics)

    @property
    def _unit(self) -> float:
        return sqrt(2) * self.sigmas[0]

    def _denoise_in_units(self, x: Image, sigma: float) -> Image:
        if sigma == 0:
            return x
        return self.denoise(x * self._unit, sigma * self.sigmas[0]) / self._unit


@contextmanager
def _global_stream_from(rng: torch.Generator) -> Generator[None]:
    """Seeds the global generator, which deepinv draws from, by `rng`, and puts it back after."""
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    with torch.random.fork_rng(devices=[rng.device] if rng.device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
