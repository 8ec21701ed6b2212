import pytest
import torch

from rgm_bench.forward.schedule import variance_preserving
from rgm_bench.inverse.denoisers import VariancePreservingDenoiser

SCHEDULE = variance_preserving(1000, "linear")
MEAN, VARIANCE = 0.3, 0.25


def best_estimate(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """E[x0 | x0 + sigma * noise] for pixels from N(MEAN, VARIANCE)."""
    return MEAN + VARIANCE / (VARIANCE + sigma**2) * (x - MEAN)


def predict_data(x_t: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    signal, sigma = (table[level[0] + 1].item() for table in (SCHEDULE.signal, SCHEDULE.sigma))
    return best_estimate(x_t / signal, sigma / signal)


def predict_noise(x_t: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    signal, sigma = (table[level[0] + 1].item() for table in (SCHEDULE.signal, SCHEDULE.sigma))
    return (x_t - signal * predict_data(x_t, level)) / sigma


DENOISERS = [
    VariancePreservingDenoiser(schedule=SCHEDULE, predict=predict_data, target="data"),
    VariancePreservingDenoiser(schedule=SCHEDULE, predict=predict_noise, target="noise"),
]


@pytest.mark.parametrize("denoiser", DENOISERS, ids=["data", "noise"])
def test_at_the_levels_of_the_schedule_the_estimate_is_exact(denoiser) -> None:
    rng = torch.Generator().manual_seed(0)
    for sigma in denoiser.sigmas(50)[:-1]:
        x = MEAN + sigma * torch.randn(2, 1, 4, 4, generator=rng, dtype=torch.float64)
        torch.testing.assert_close(denoiser(x, sigma), best_estimate(x, sigma))


@pytest.mark.parametrize("denoiser", DENOISERS, ids=["data", "noise"])
def test_between_the_levels_the_estimate_is_near(denoiser) -> None:
    rng = torch.Generator().manual_seed(0)
    for sigma in (0.02, 0.1, 0.5, 1.7, 10.0, 100.0):
        x = MEAN + sigma * torch.randn(2, 1, 4, 4, generator=rng, dtype=torch.float64)
        error = (denoiser(x, sigma) - best_estimate(x, sigma)).abs().max()
        assert error < 0.02 * VARIANCE**0.5


def test_every_level_is_found_by_its_own_sigma() -> None:
    asked: list[int] = []

    def predict(x_t: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        asked.append(int(level[0]))
        return x_t

    denoiser = VariancePreservingDenoiser(schedule=SCHEDULE, predict=predict, target="data")
    for sigma in denoiser.sigmas(1000)[:-1]:
        denoiser(torch.zeros(1, 1, 1, 1), sigma)
    assert asked == list(range(999, -1, -1))


def test_steps_fall_from_the_last_level_to_the_first_and_then_to_0() -> None:
    every = DENOISERS[0].sigmas(1000)
    steps = DENOISERS[0].sigmas(10)
    assert steps == (*(every[111 * step] for step in range(10)), 0.0)
    assert DENOISERS[0].sigmas(1) == (every[0], 0.0)
    assert every[0] == pytest.approx(157.4, abs=0.1)


@pytest.mark.parametrize("steps", [0, 1001])
def test_there_are_no_more_steps_than_levels(steps) -> None:
    with pytest.raises(ValueError, match="take from 1 to 1000"):
        DENOISERS[0].sigmas(steps)
