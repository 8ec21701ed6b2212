"""The schedulers of diffusers, driven by us, do what the formulas say."""

import math
from itertools import pairwise

import pytest
import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.diffusion import DiffusionSampler
from rgm_bench.sampling.restoration import RestorationSampler
from rgm_bench.testing.samplers import GaussianData
from tests.vectors import difference

# of numpy, in the scheduler of DPM-Solver
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NONE = LatentDistribution(size=1, zeros=True)
LINEAR = NoiseForward(1000, "linear")


def some_network(forward: NoiseForward):
    """An arbitrary smooth prediction of noise, and the estimate of the data that goes with it."""
    rng = torch.Generator().manual_seed(0)
    first, second = torch.randn(3, 16, generator=rng), torch.randn(16, 2, generator=rng)

    def noise(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        time = level[:, None] / forward.num_levels
        return torch.tanh(torch.cat([y, time], dim=1) @ first) @ second / 4

    def data(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        signal, sigma = forward.schedule.at(level + 1, y)
        return (y - sigma * noise(y, level, z)) / signal

    return noise, data


def diffusion(forward: NoiseForward, predict_noise, *, kind: str, steps: int, clip: bool = False):
    return DiffusionSampler(
        forward=forward,
        predict_noise=predict_noise,
        latent=NONE,
        event_shape=(2,),
        kind=kind,
        steps=steps,
        clip=clip,
    )


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_linear_schedule_is_that_of_ddpm() -> None:
    published = DDPMScheduler(num_train_timesteps=1000, beta_schedule="linear")
    assert difference(LINEAR.schedule.step_variance, published.betas) < 1e-6
    assert difference(LINEAR.schedule.signal[1:].square(), published.alphas_cumprod) < 1e-5


@pytest.mark.parametrize("num_levels", [21, 50, 100, 4000])
def test_linear_schedules_end_in_noise(num_levels) -> None:
    schedule = NoiseForward(num_levels, "linear").schedule
    assert schedule.signal[-1] < 0.01
    assert (schedule.signal.diff() < 0).all()
    torch.testing.assert_close(
        schedule.signal.square() + schedule.sigma.square(), torch.ones(num_levels + 1)
    )


def test_a_linear_schedule_needs_enough_levels() -> None:
    with pytest.raises(ValueError, match="take at least 21 levels"):
        NoiseForward(20, "linear")


@pytest.mark.parametrize(
    "forward", [LINEAR, NoiseForward(50, "linear"), NoiseForward(4), NoiseForward(32, "square")]
)
@pytest.mark.parametrize("clip", [False, True])
def test_ddim_at_every_level_is_the_deterministic_transition(forward, clip: bool) -> None:
    noise, data = some_network(forward)

    def estimate(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return data(y, level, z).clamp(-1, 1) if clip else data(y, level, z)

    steps = forward.num_levels
    theirs = diffusion(forward, noise, kind="ddim", steps=steps, clip=clip).sample(64, rng())
    ours = RestorationSampler(
        forward=forward, restore=estimate, latent=NONE, event_shape=(2,), transition="deterministic"
    ).sample(64, rng())
    assert difference(theirs, ours) < 1e-5
    if clip:  # or nothing was there to clip
        kept = diffusion(forward, noise, kind="ddim", steps=steps).sample(64, rng())
        assert difference(theirs, kept) > 0.1


@pytest.mark.parametrize(
    ("number", "tolerance"),
    # diffusers takes 1 - signal^2 in float32, which costs digits where signal is close to 1
    [(1000, 1e-5), (999, 1e-5), (500, 1e-5), (100, 1e-5), (2, 3e-4), (1, 1e-5)],
)
def test_an_ancestral_step_is_a_draw_of_the_posterior(number, tolerance) -> None:
    noise, data = some_network(LINEAR)
    sampler = diffusion(LINEAR, noise, kind="ancestral", steps=1000)
    level = torch.full((64,), number)
    y = sampler.start(64, rng())
    theirs = sampler.step(y, level, level - 1, rng(1))
    drawn = torch.randn(y.shape, generator=rng(1))
    x0_hat = data(y, level - 1, torch.zeros(64, 1))
    assert difference(theirs, LINEAR.posterior_sample(x0_hat, y, level - 1, drawn)) < tolerance


def gain_error(kind: str, steps: int) -> float:
    """How far a sampler is from scaling its start as the exact flow does, relative.

    For Gaussian data and the best network the flow is linear: it takes the standard deviation of
    the last level to that of the data.
    """
    data = GaussianData()
    sampler = diffusion(LINEAR, data.noise(LINEAR), kind=kind, steps=steps)
    start, end = sampler.start(64, rng()).double(), sampler.sample(64, rng()).double()
    signal, sigma = LINEAR.schedule.signal[-1], LINEAR.schedule.sigma[-1]
    exact = data.std / math.hypot(signal * data.std, sigma)
    return abs((end.std() / start.std()).item() / exact - 1)


@pytest.mark.parametrize(
    ("kind", "few", "order"),
    [("ddim", 50, 1), ("ddim", 250, 1), ("dpm_solver", 10, 2), ("dpm_solver", 100, 2)],
)
def test_errors_fall_with_the_order_of_the_solver(kind, few, order) -> None:
    measured = math.log2(gain_error(kind, few) / gain_error(kind, 2 * few))
    assert measured == pytest.approx(order, abs=0.2)


def test_dpm_solver_needs_fewer_steps_than_ddim() -> None:
    assert gain_error("dpm_solver", 20) < gain_error("ddim", 50)
    assert gain_error("dpm_solver", 50) < gain_error("ddim", 1000)


@pytest.mark.parametrize("kind", ["ancestral", "ddim", "dpm_solver"])
@pytest.mark.parametrize("clip", [True, False])
def test_clipping_keeps_estimates_in_the_range_of_images(kind, clip) -> None:
    def no_noise(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(y)

    x = diffusion(LINEAR, no_noise, kind=kind, steps=10, clip=clip).sample(16, rng())
    assert (x.abs().max().item() <= 1) == (clip and kind != "dpm_solver")


def test_levels_are_evenly_spaced_from_the_last_to_data() -> None:
    noise, _ = some_network(LINEAR)
    for kind in ("ancestral", "ddim", "dpm_solver"):
        assert diffusion(LINEAR, noise, kind=kind, steps=4).levels == (1000, 750, 500, 250, 0)
        assert diffusion(LINEAR, noise, kind=kind, steps=1).levels == (1000, 0)
    for kind in ("ancestral", "dpm_solver"):
        assert diffusion(LINEAR, noise, kind=kind, steps=3).levels == (1000, 667, 333, 0)
        levels = diffusion(LINEAR, noise, kind=kind, steps=30).levels
        assert {a - b for a, b in pairwise(levels)} == {33, 34}


@pytest.mark.parametrize(
    ("kind", "steps", "message"),
    [
        ("ancestral", 0, "take 1 to 1000 steps"),
        ("dpm_solver", 1001, "take 1 to 1000 steps"),
        ("ddim", 30, "their number divides 1000"),
    ],
)
def test_steps_that_do_not_fit_are_refused(kind, steps, message) -> None:
    with pytest.raises(ValueError, match=message):
        diffusion(LINEAR, some_network(LINEAR)[0], kind=kind, steps=steps)
