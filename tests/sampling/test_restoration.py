import pytest
import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.sampling.blocks import BLOCK, sample_blocks
from rgm_bench.sampling.restoration import RestorationSampler

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
