from itertools import pairwise

import pytest
import torch

from rgm_bench.forward.schedule import variance_preserving
from rgm_bench.inverse.baselines import PseudoInverse
from rgm_bench.inverse.ddrm import Ddrm
from rgm_bench.inverse.denoisers import VariancePreservingDenoiser
from rgm_bench.inverse.problems import (
    colorization,
    deblurring,
    denoising,
    inpainting,
    super_resolution,
)
from tests.inverse.gaussian import GaussianImages

STD = 0.5
SIGMAS = (50.0, 20.0, 8.0, 3.0, 1.2, 0.7, 0.4, 0.2, 0.1, 0.0)
HOLE = torch.ones(8, 8)
HOLE[2:6, 2:6] = 0
BELL = torch.tensor([[0.06, 0.12, 0.06], [0.12, 0.28, 0.12], [0.06, 0.12, 0.06]])


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def shrink(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The best estimate for pixels from N(0, STD^2)."""
    return STD**2 / (STD**2 + sigma**2) * x


def moments_of_the_paper(measured: float, noise: float, eta: float) -> tuple[float, float]:
    """Mean and variance of one coefficient of the result, level by level.

    Kawar et al. 2022, Eqs. (4) to (8), with all measured coefficients at `measured` and their
    noise, divided by the singular value, at `noise`; infinite where nothing is measured.
    """
    seen = noise < SIGMAS[0]
    mean, variance = (measured, SIGMAS[0] ** 2 - noise**2) if seen else (0.0, SIGMAS[0] ** 2)
    kept = (1 - eta**2) ** 0.5
    for before, sigma in pairwise(SIGMAS):
        gain = STD**2 / (STD**2 + before**2)
        if seen and sigma >= noise:
            mean, variance = measured, sigma**2 - noise**2
        elif seen:
            towards = kept * sigma / noise
            mean = (1 - towards) * gain * mean + towards * measured
            variance = ((1 - towards) * gain) ** 2 * variance + (eta * sigma) ** 2
        else:
            factor = gain + kept * sigma / before * (1 - gain)
            mean, variance = factor * mean, factor**2 * variance + (eta * sigma) ** 2
    return mean, variance


@pytest.mark.parametrize("eta", [0.0, 0.5, 0.85, 1.0])
@pytest.mark.parametrize("noise_std", [0.0, 0.3, 1.5, 40.0])
def test_draws_have_the_moments_of_the_paper(eta, noise_std) -> None:
    """Breaks if deepinv's noise, or the unit that undoes its scale, changes."""
    problem = super_resolution(2, noise_std=noise_std)
    y = torch.full((1, 1, 100, 100), 0.4)
    x = Ddrm(denoise=shrink, sigmas=SIGMAS, eta=eta).restore(problem, y, rng())
    means = 2 * problem.operator.apply(x)
    mean, variance = moments_of_the_paper(2 * 0.4, 2 * noise_std, eta)
    assert means.mean().item() == pytest.approx(mean, abs=0.015)
    assert means.std().item() == pytest.approx(variance**0.5, abs=0.01)
    rest = x - PseudoInverse().restore(problem, problem.operator.apply(x), rng())
    mean, variance = moments_of_the_paper(0.0, float("inf"), eta)
    assert rest.square().sum().item() / 30_000 == pytest.approx(variance, rel=0.03)


def test_without_fresh_noise_and_with_many_steps_what_is_hidden_has_the_spread_of_the_data() -> (
    None
):
    """A deterministic flow carries noise to data, if there is as much as the denoiser is told."""
    problem = inpainting(torch.zeros(64, 64))
    schedule = variance_preserving(1000, "linear")
    levels = VariancePreservingDenoiser(
        schedule=schedule, predict=lambda x, level: x, target="data"
    )
    solver = Ddrm(denoise=shrink, sigmas=levels.sigmas(400), eta=0.0)
    x = solver.restore(problem, torch.zeros(1, 3, 64, 64), rng())
    assert x.std().item() == pytest.approx(STD, rel=0.02)


@pytest.mark.parametrize(
    "problem",
    [
        super_resolution(2),
        super_resolution(4),
        colorization(),
        denoising(0.5),
        inpainting(HOLE),
        super_resolution(2, noise_std=0.2),
        deblurring(BELL, noise_std=0.1),
    ],
    ids=lambda problem: f"{problem.name}_{problem.noise_std}",
)
def test_the_mean_of_draws_is_nearer_to_the_posterior_mean_than_the_pseudo_inverse(
    problem,
) -> None:
    images = GaussianImages()
    schedule = variance_preserving(1000, "linear")
    levels = VariancePreservingDenoiser(
        schedule=schedule, predict=lambda x, level: x, target="data"
    )
    solver = Ddrm(denoise=images.denoise, sigmas=levels.sigmas(20))
    x0, stream = images.draw(16, rng()), rng()
    y = problem.observe(x0, problem.draw_noise(x0, stream))
    best = images.posterior_mean(problem, y)
    mean = torch.stack([solver.restore(problem, y, stream) for _ in range(16)]).mean(0)
    baseline_error = (PseudoInverse().restore(problem, y, stream) - best).norm()
    assert (mean - best).norm() < 0.6 * baseline_error


def test_the_denoiser_is_asked_once_for_every_sigma_but_0_in_units_of_pixels() -> None:
    asked: list[tuple[float, float]] = []

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        asked.append((sigma, x.std().item()))
        return torch.zeros_like(x)

    solver = Ddrm(denoise=denoise, sigmas=SIGMAS)
    solver.restore(inpainting(torch.zeros(200, 200)), torch.zeros(1, 1, 200, 200), rng())
    assert [sigma for sigma, _ in asked] == pytest.approx(SIGMAS[:-1])
    assert [std for _, std in asked] == pytest.approx(SIGMAS[:-1], rel=0.02)
    assert solver.network_evaluations == len(asked)


@pytest.mark.parametrize("sigmas", [(), (0.0,), (1.0, 0.5), (1.0, 1.0, 0.0), (0.5, 1.0, 0.0)])
def test_sigmas_fall_to_0(sigmas) -> None:
    with pytest.raises(ValueError, match="must fall to a final 0"):
        Ddrm(denoise=shrink, sigmas=sigmas)
