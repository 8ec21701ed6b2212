"""The laws of samplers, on data for which the best network is known in closed form."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.sampling.base import Network, Sampler
from rgm_bench.sampling.blocks import BLOCK, sample_blocks
from rgm_bench.types import Latent, Level, Observation, Sample

Watch = Callable[[Network], Network]
"""Wraps a network, to see how it is called."""


@dataclass(frozen=True)
class GaussianData:
    """Entries that are independent draws of N(mean, std^2), and the best networks for them."""

    mean: float = 0.3
    std: float = 0.5

    def draw(self, num: int, event_shape: tuple[int, ...], rng: torch.Generator) -> Sample:
        """Data whose mean and standard deviation over all entries are exact."""
        x = torch.randn(num, *event_shape, generator=rng, device=rng.device)
        return self.mean + self.std * (x - x.mean()) / x.std()

    def posterior_mean(self, forward: NoiseForward) -> Network:
        """The restorer of least squared error: E[x0 | y]."""

        def restore(y: Observation, level: Level, z: Latent) -> Sample:
            signal, sigma = forward.schedule.at(level + 1, y)
            return self.mean + signal * self.std**2 * self._surprise(y, signal, sigma)

        return restore

    def posterior_draw(self, forward: NoiseForward) -> Network:
        """The perfect restoration: a draw of x0 given y, with as many latents as entries."""
        mean = self.posterior_mean(forward)

        def restore(y: Observation, level: Level, z: Latent) -> Sample:
            signal, sigma = forward.schedule.at(level + 1, y)
            std = (self.std**-2 + (signal / sigma) ** 2).rsqrt()
            return mean(y, level, z) + std * z.reshape(y.shape)

        return restore

    def noise(self, forward: NoiseForward) -> Network:
        """The best prediction of the noise in an observation: E[noise | y]."""

        def predict(y: Observation, level: Level, z: Latent) -> Sample:
            signal, sigma = forward.schedule.at(level + 1, y)
            return sigma * self._surprise(y, signal, sigma)

        return predict

    def _surprise(self, y: Observation, signal: Tensor, sigma: Tensor) -> Tensor:
        """How far `y` is from its mean, over its variance."""
        return (y - signal * self.mean) / ((signal * self.std) ** 2 + sigma**2)


class SamplerContract:
    """Subclass, return your sampler from `make`, inherit the laws.

    `tolerances` pairs some numbers of steps, the fewest first, with how far mean and standard
    deviation of the samples may be from those of the data, in units of the latter. A sampler that
    is exact in the limit of many steps has several, the tolerance falling; an exact one has the
    same everywhere. With 16,384 samples of one entry, chance alone makes errors of 0.008 and 0.006
    (one standard deviation).
    """

    data = GaussianData()
    tolerances: tuple[tuple[int, float], ...]
    num = 64 * BLOCK

    def make(self, steps: int, watch: Watch) -> Sampler:
        """A sampler of `data` in `steps` steps.

        Args:
            steps: what makes it more exact: levels, or steps over a fixed number of levels.
            watch: what the sampler's network, one of `data`, is to be wrapped in.
        """
        raise NotImplementedError

    def test_samples_have_the_distribution_of_the_data(self) -> None:
        """Within the tolerance for each number of steps, and these fall."""
        assert all(few >= many for (_, few), (_, many) in pairwise(self.tolerances))
        for steps, tolerance in self.tolerances:
            x = self._samples(steps, seed=0, num=self.num)
            assert abs(x.mean().item() - self.data.mean) < tolerance * self.data.std
            assert abs(x.std().item() - self.data.std) < tolerance * self.data.std

    def test_the_seed_decides_all_bits(self) -> None:
        """Neither torch's global generator nor an earlier call has a say."""
        sampler = self.make(self.tolerances[0][0], _unwatched)
        torch.manual_seed(1)
        first = sampler.sample(BLOCK, _rng(0))
        torch.manual_seed(2)
        again = sampler.sample(BLOCK, _rng(0))
        assert torch.equal(first, again)
        assert torch.equal(first, self._samples(self.tolerances[0][0], seed=0, num=BLOCK))

    def test_another_seed_gives_other_samples(self) -> None:
        """No sample comes twice."""
        first, second = (self._samples(self.tolerances[0][0], seed=s, num=BLOCK) for s in (0, 1))
        assert len(torch.cat([first, second]).flatten(1).unique(dim=0)) == 2 * BLOCK

    def test_a_sample_is_the_same_for_every_number(self) -> None:
        """In blocks of one size, how many samples are asked for changes none of them."""
        sampler = self.make(self.tolerances[0][0], _unwatched)
        few, many = (
            torch.cat(list(sample_blocks(sampler, num, seed=0, device=torch.device("cpu"))))
            for num in (BLOCK // 2, BLOCK + 1)
        )
        assert torch.equal(few, many[: BLOCK // 2])
        assert len(many) == BLOCK + 1

    def test_network_evaluations_are_those_that_are_made(self) -> None:
        """The number that tables show is counted."""
        for steps, _ in self.tolerances:
            calls: list[Level] = []
            sampler = self.make(steps, _counting(calls))
            sampler.sample(4, _rng(0))
            assert sampler.network_evaluations == len(calls)

    def test_the_network_sees_one_level_less_than_its_observation(self) -> None:
        """Levels fall to 0, and what a network is told is the convention of its training."""
        calls: list[Level] = []
        sampler = self.make(self.tolerances[0][0], _counting(calls))
        sampler.sample(4, _rng(0))
        assert all(above > below for above, below in pairwise(sampler.levels))
        assert sampler.levels[-1] == 0
        seen = [int(level.unique().item()) for level in calls]
        assert seen == [level - 1 for level in sampler.levels[:-1]]

    def _samples(self, steps: int, *, seed: int, num: int) -> Sample:
        return self.make(steps, _unwatched).sample(num, _rng(seed))


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _unwatched(network: Network) -> Network:
    return network


def _counting(calls: list[Level]) -> Watch:
    def watch(network: Network) -> Network:
        def counted(y: Observation, level: Level, z: Latent) -> Sample:
            calls.append(level)
            return network(y, level, z)

        return counted

    return watch
