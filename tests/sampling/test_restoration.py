import pytest
import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.blocks import BLOCK, sample_blocks
from rgm_bench.sampling.restoration import OneShotRestoration, RestorationSampler
from rgm_bench.testing.samplers import GaussianData

CPU = torch.device("cpu")
MEAN, VARIANCE = 0.3, 0.25


def best_draw(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """A draw of x0 given y for data from N(MEAN, VARIANCE): the perfect restoration."""
    table = NoiseForward(4).schedule
    signal, power = table.signal[level + 1][:, None], table.sigma[level + 1][:, None] ** 2
    gain = signal * VARIANCE / (signal**2 * VARIANCE + power)
    posterior_variance = VARIANCE * (1 - gain * signal)
    return MEAN + gain * (y - signal * MEAN) + posterior_variance.sqrt() * z


def make_sampler(restore=best_draw, noise_factor: float = 1.0, levels: int = 4):
    return RestorationSampler(
        forward=NoiseForward(levels),
        restore=restore,
        latent=LatentDistribution(size=1),
        event_shape=(1,),
        noise_factor=noise_factor,
    )


def test_perfect_restoration_samples_the_data_distribution() -> None:
    """A law that a sampler with levels off by one, or too little noise, breaks."""
    x = make_sampler().sample(200_000, torch.Generator().manual_seed(0))
    assert x.mean().item() == pytest.approx(MEAN, abs=0.005)
    assert x.var().item() == pytest.approx(VARIANCE, abs=0.005)


def test_levels_go_down_one_by_one_and_restore_sees_the_level_below() -> None:
    seen: list[int] = []

    def restore(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        seen.append(int(level[0]))
        return y

    sampler = make_sampler(restore)
    sampler.sample(2, torch.Generator().manual_seed(0))
    assert seen == [3, 2, 1, 0]
    assert sampler.network_evaluations == 4


def test_the_last_estimate_is_the_sample() -> None:
    def restore(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return torch.full_like(y, float(level[0]) + 7)

    x = make_sampler(restore).sample(3, torch.Generator().manual_seed(0))
    assert x.tolist() == [[7.0]] * 3


def test_the_noise_factor_scales_the_noise_of_degradations_alone() -> None:
    observed: list[torch.Tensor] = []

    def restore(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        observed.append(y)
        return torch.zeros_like(y)

    make_sampler(restore, noise_factor=0.5).sample(100_000, torch.Generator().manual_seed(0))
    sigma = NoiseForward(4).schedule.sigma
    for y, expected in zip(observed, [1, *(0.5 * sigma[[3, 2, 1]]).tolist()], strict=True):
        assert y.std().item() == pytest.approx(expected, rel=0.01)


def test_each_step_has_a_fresh_latent() -> None:
    latents: list[torch.Tensor] = []

    def restore(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        latents.append(z)
        return y

    make_sampler(restore).sample(5, torch.Generator().manual_seed(0))
    assert len({tuple(z.flatten().tolist()) for z in latents}) == 4


@pytest.mark.parametrize("num", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_sample_17_is_the_same_for_every_number(num) -> None:
    def samples(n: int) -> torch.Tensor:
        return torch.cat(list(sample_blocks(make_sampler(), n, seed=3, device=CPU)))

    assert len(samples(num)) == num
    assert torch.equal(samples(num), samples(3 * BLOCK)[:num])
    assert not torch.equal(samples(2 * BLOCK)[:BLOCK], samples(2 * BLOCK)[BLOCK:])


def test_draws_come_in_a_fixed_order() -> None:
    """Start, then a latent and the noise of a degradation at each step: what bits depend on."""
    forward, rng = NoiseForward(4), torch.Generator().manual_seed(5)
    y = torch.randn(8, 1, generator=rng)
    for below in (3, 2, 1, 0):
        level = torch.full((8,), below)
        x0_hat = best_draw(y, level, torch.randn(8, 1, generator=rng))
        y = forward.sample(x0_hat, level, 0.9 * torch.randn(8, 1, generator=rng))
    sampler = make_sampler(noise_factor=0.9)
    assert torch.equal(sampler.sample(8, torch.Generator().manual_seed(5)), y)


def make_one_shot(data: torch.Tensor, restore, start_level: int, **changes) -> OneShotRestoration:
    sampler = RestorationSampler(
        forward=NoiseForward(4),
        restore=restore,
        latent=LatentDistribution(size=1),
        event_shape=tuple(data.shape[1:]),
    )
    return OneShotRestoration(sampler=sampler, data=data, start_level=start_level, **changes)


@pytest.mark.parametrize("start_level", [1, 2, 3, 4])
def test_restorations_of_least_squared_error_lose_the_spread_that_noise_hid(start_level) -> None:
    """Their variance is that of the posterior mean, and falls with the level to nearly nothing."""
    gaussian, forward = GaussianData(), NoiseForward(4)
    data = gaussian.draw(100_000, (1,), torch.Generator().manual_seed(1))
    sampler = make_one_shot(data, gaussian.posterior_mean(forward), start_level)
    x = sampler.sample(100_000, torch.Generator().manual_seed(0))
    signal, sigma = (
        forward.schedule.signal[start_level].item(),
        forward.schedule.sigma[start_level].item(),
    )
    spread = signal * gaussian.std / (signal**2 * gaussian.std**2 + sigma**2) ** 0.5
    assert x.std().item() == pytest.approx(spread * gaussian.std, rel=0.01)
    assert x.mean().item() == pytest.approx(gaussian.mean, abs=0.01)


@pytest.mark.parametrize("scaled", [True, False])
def test_degraded_data_are_what_is_restored(scaled) -> None:
    """Images of 0 to 255 on the scale of networks, points as they are."""
    rows = torch.tensor([0, 102, 255], dtype=torch.uint8).reshape(3, 1, 1, 1).expand(3, 1, 2, 2)
    clean = torch.tensor([-1, -0.2, 1])
    data = rows if scaled else clean[:, None].expand(3, 2)
    x = make_one_shot(data, lambda y, level, z: y, 2).sample(3000, torch.Generator().manual_seed(0))
    signal, sigma = NoiseForward(4).schedule.signal[2], NoiseForward(4).schedule.sigma[2]
    assert x.shape == (3000, *data.shape[1:])
    within = sigma**2 + signal**2 * clean.var(correction=0)
    assert x.mean().item() == pytest.approx((signal * clean.mean()).item(), abs=0.05)
    assert x.var().item() == pytest.approx(within.item(), rel=0.05)


def test_going_on_uses_the_sampler_from_there_down() -> None:
    seen: list[int] = []

    def restore(y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        seen.append(int(level[0]))
        return y

    for single_step in (True, False):
        sampler = make_one_shot(torch.zeros(5, 2), restore, 3, single_step=single_step)
        sampler.sample(2, torch.Generator().manual_seed(0))
    assert seen == [2, 2, 1, 0]
