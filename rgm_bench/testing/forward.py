"""The laws of forward processes."""

import math

import torch
from torch import Tensor

from rgm_bench.forward.base import ForwardProcess

DRAWS = 4000
STANDARD_ERRORS = 6
SIGNAL_LEFT = 1e-3
"""How much of the variance of the last level `start` may leave out, as a part of it."""


class ForwardContract:
    """Subclass, return a forward process from `make`, inherit the laws.

    The laws are those of y = A x0 + B noise with a Gaussian likelihood: everything is affine and
    computed in float64, on data from -1 to 1. `shape` is that of a sample.
    """

    shape: tuple[int, ...] = (2, 8, 8)

    def make(self) -> ForwardProcess:
        """The forward process under test."""
        raise NotImplementedError

    def noisy_entries(self, level: int) -> int:
        """The rank of the noise in an observation at `level`: how many entries differ by chance."""
        return math.prod(self.shape)

    def fidelity_scale(self, level: int) -> float:
        """What the fidelity at `level` is times the negative log-likelihood."""
        return 1.0

    def test_level_zero_is_the_data(self) -> None:
        """Whatever the noise is."""
        x0, noise = self._data(4), self._noise(4)
        torch.testing.assert_close(self.make().sample(x0, _levels(0, x0), noise), x0)

    def test_an_observation_is_affine_in_data_and_noise(self) -> None:
        """Of a mixture of data and noise it is the mixture of the observations."""
        forward = self.make()
        x0, other = self._data(2), self._data(2, seed=2)
        noise, noise_other = self._noise(2), self._noise(2, seed=3)
        for k in range(forward.num_levels + 1):
            level = _levels(k, x0)
            mixed = forward.sample(0.3 * x0 + 0.7 * other, level, 0.3 * noise + 0.7 * noise_other)
            first = forward.sample(x0, level, noise)
            second = forward.sample(other, level, noise_other)
            torch.testing.assert_close(mixed, 0.3 * first + 0.7 * second)

    def test_every_sample_has_its_own_level(self) -> None:
        """A batch of all levels is what batches of one level each are."""
        forward = self.make()
        num = forward.num_levels + 1
        x0, noise, x_hat = self._data(num), self._noise(num), self._data(num, seed=2)
        level = torch.arange(num)
        y = forward.sample(x0, level, noise)
        fidelity = forward.fidelity(x_hat[1:], y[1:], level[1:])
        for k in range(num):
            one = slice(k, k + 1)
            alone = forward.sample(x0[one], level[one], noise[one])
            torch.testing.assert_close(y[one], alone)
            if k > 0:
                expected = forward.fidelity(x_hat[one], alone, level[one])
                torch.testing.assert_close(fidelity[k - 1 : k], expected)

    def test_an_observation_without_noise_is_fully_explained_by_its_data(self) -> None:
        """The fidelity of the data that made it is 0, and never below 0."""
        forward, x0, x_hat = self.make(), self._data(4), self._data(4, seed=2)
        for k in range(1, forward.num_levels + 1):
            level = _levels(k, x0)
            y = forward.sample(x0, level, torch.zeros_like(x0))
            torch.testing.assert_close(forward.fidelity(x0, y, level), x0.new_zeros(4))
            assert (forward.fidelity(x_hat, y, level) >= 0).all()

    def test_fidelity_of_the_truth_is_distributed_as_a_log_likelihood(self) -> None:
        """Half a chi-squared variable with as many degrees of freedom as there are noisy entries.

        Both its mean and its variance are half of them, which only residuals that are whitened in
        every direction fulfil.
        """
        forward, x0, noise = self.make(), self._data(DRAWS), self._noise(DRAWS)
        for k in range(1, forward.num_levels + 1):
            level = _levels(k, x0)
            found = forward.fidelity(x0, forward.sample(x0, level, noise), level)
            found = found / self.fidelity_scale(k)
            half = self.noisy_entries(k) / 2
            mean_error = math.sqrt(half / DRAWS)
            # the fourth central moment of chi-squared / 2 is 3 half^2 + 6 half
            variance_error = math.sqrt((2 * half**2 + 6 * half) / DRAWS)
            _within(found.mean(), half, STANDARD_ERRORS * mean_error, f"mean, level {k}")
            _within(found.var(), half, STANDARD_ERRORS * variance_error, f"variance, level {k}")

    def test_fidelity_is_quadratic_in_the_estimate(self) -> None:
        """Its second difference along a direction is the same everywhere, and not negative."""
        forward = self.make()
        y, x_hat, elsewhere, step = (self._data(4, seed=seed) for seed in range(4))
        for k in range(1, forward.num_levels + 1):
            level = _levels(k, y)

            def bend(x: Tensor, y: Tensor = y, level: Tensor = level) -> Tensor:
                around = forward.fidelity(x + step, y, level) + forward.fidelity(x - step, y, level)
                return around - 2 * forward.fidelity(x, y, level)

            torch.testing.assert_close(bend(x_hat), bend(elsewhere), rtol=1e-6, atol=1e-8)
            assert (bend(x_hat) >= -1e-8).all()

    def test_the_gradient_at_the_truth_has_mean_zero(self) -> None:
        """Noise and its negative, which are equally likely, pull the estimate opposite ways."""
        forward, noise = self.make(), self._noise(4)
        x0 = self._data(4).requires_grad_()
        for k in range(1, forward.num_levels + 1):
            level = _levels(k, x0)
            pulls: list[Tensor] = []
            for drawn in (noise, -noise):
                y = forward.sample(x0.detach(), level, drawn)
                total = forward.fidelity(x0, y, level).sum()
                pulls.append(torch.autograd.grad(total, x0)[0])
            torch.testing.assert_close(pulls[0], -pulls[1])

    def test_start_is_the_last_level(self) -> None:
        """It has the mean and, in directions chosen at random, the variance of such observations.

        But for the signal that is left there, which `start` knows nothing of.
        """
        forward, x0 = self.make(), self._data(DRAWS)
        noise, noise_start = self._noise(DRAWS), self._noise(DRAWS, seed=2)
        rng = torch.Generator().manual_seed(3)
        directions = torch.randn(math.prod(self.shape), 16, generator=rng, dtype=torch.float64)
        last = forward.sample(x0, _levels(forward.num_levels, x0), noise).flatten(1) @ directions
        start = forward.start(noise_start).flatten(1) @ directions
        variance = last.var(0)
        error = STANDARD_ERRORS * math.sqrt(2 / DRAWS)
        mean_error = error * variance.sqrt()
        assert ((start.mean(0) - last.mean(0)).abs() <= mean_error).all()
        ratio = start.var(0) / variance
        assert ((ratio - 1).abs() <= error * math.sqrt(2) + SIGNAL_LEFT).all(), ratio

    def test_moving_to_a_device_keeps_the_numbers(self) -> None:
        """To the CPU, and to a GPU where there is one."""
        forward, x0, noise = self.make(), self._data(5), self._noise(5)
        level = torch.arange(5) % (forward.num_levels + 1)
        expected = forward.sample(x0, level, noise)
        names = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
        for device in map(torch.device, names):
            forward.to(device)
            found = forward.sample(x0.to(device), level.to(device), noise.to(device))
            torch.testing.assert_close(found.cpu(), expected)

    def _data(self, num: int, seed: int = 0) -> Tensor:
        rng = torch.Generator().manual_seed(100 + seed)
        return torch.rand(num, *self.shape, generator=rng, dtype=torch.float64) * 2 - 1

    def _noise(self, num: int, seed: int = 1) -> Tensor:
        rng = torch.Generator().manual_seed(200 + seed)
        return torch.randn(num, *self.shape, generator=rng, dtype=torch.float64)


def _levels(level: int, like: Tensor) -> Tensor:
    return torch.full((len(like),), level)


def _within(found: Tensor, expected: float, error: float, what: str) -> None:
    assert abs(found.item() - expected) <= error, f"{what}: {found.item()}, not {expected}"
