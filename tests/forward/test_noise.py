import pytest
import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.forward.schedule import variance_preserving
from tests.reference.forward import NOISE, noise_levels, noise_tables
from tests.vectors import difference, load


@pytest.mark.parametrize(("num_levels", "kind"), NOISE)
def test_tables_equal_the_published_ones(num_levels, kind) -> None:
    assert all(value < 2e-7 for value in noise_tables(num_levels, kind).values())


@pytest.mark.parametrize(("num_levels", "kind"), NOISE)
def test_every_level_equals_the_published_one(num_levels, kind) -> None:
    found = noise_levels(num_levels, kind)
    assert len(found) == 5
    assert all(value < 1e-5 for value in found.values()), found


def test_the_published_geometric_schedule_is_not_a_number_and_not_offered() -> None:
    tensors, _ = load("forward")
    signal = tensors["noise.T4.geometric.signal"]
    assert torch.isnan(signal[2:]).any()
    with pytest.raises(AssertionError):
        difference(signal, signal)


@pytest.mark.parametrize("kind", ["original", "square"])
@pytest.mark.parametrize("num_levels", [1, 2, 4, 8, 64, 1000])
def test_power_is_kept_and_signal_falls_to_nothing(num_levels, kind) -> None:
    schedule = variance_preserving(num_levels, kind)
    power = schedule.signal.square() + schedule.sigma.square()
    torch.testing.assert_close(power, torch.ones(num_levels + 1))
    assert (schedule.signal[0], schedule.sigma[0]) == (1, 0)
    assert (schedule.signal.diff() < 0).all()
    assert schedule.signal[-1] < 0.01


def test_steps_compose_to_the_direct_draw() -> None:
    """One-step scales multiplied up give signal and sigma: the chain is the direct draw."""
    schedule = variance_preserving(8, "original")
    signal, variance = torch.ones(()), torch.zeros(())
    for level, step in enumerate(schedule.step_variance, start=1):
        signal, variance = signal * (1 - step).sqrt(), variance * (1 - step) + step
        torch.testing.assert_close(signal, schedule.signal[level])
        torch.testing.assert_close(variance.sqrt(), schedule.sigma[level])


def test_fidelity_is_the_gaussian_log_likelihood() -> None:
    forward, rng = NoiseForward(4), torch.Generator().manual_seed(0)
    x_hat, y = torch.randn(2, 5, 1, 4, 4, generator=rng)
    level = torch.tensor([1, 2, 3, 4, 4])
    sigma = forward.schedule.sigma[level].reshape(-1, 1, 1, 1)
    mean = forward.schedule.signal[level].reshape(-1, 1, 1, 1) * x_hat
    density = torch.distributions.Normal(mean, sigma).log_prob(y).flatten(1).sum(1)
    constant = 16 * torch.log(sigma.flatten() * (2 * torch.pi) ** 0.5)
    torch.testing.assert_close(forward.fidelity(x_hat, y, level), -density - constant)


def test_posterior_is_bayes_rule() -> None:
    """Its mean and variance are those of the product of prior and likelihood, and exact at 0."""
    forward, rng = NoiseForward(4), torch.Generator().manual_seed(0)
    x_hat, y_next = torch.randn(2, 4, 2, generator=rng)
    for index in range(4):
        level = torch.full((4,), index)
        table = forward.schedule
        step = table.step_variance[index]
        zero = torch.zeros_like(x_hat)
        mean = forward.posterior_sample(x_hat, y_next, level, zero)
        scale = (forward.posterior_sample(x_hat, y_next, level, zero + 1) - mean)[0, 0]
        if index == 0:
            torch.testing.assert_close(mean, x_hat)
            assert scale == 0
            continue
        precision = 1 / table.sigma[index] ** 2 + (1 - step) / step
        expected = table.signal[index] * x_hat / table.sigma[index] ** 2
        expected = (expected + (1 - step).sqrt() * y_next / step) / precision
        torch.testing.assert_close(mean, expected)
        torch.testing.assert_close(scale, precision.rsqrt())


def test_points_and_images_are_alike() -> None:
    forward = NoiseForward(4)
    rng = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 3, 2, generator=rng)
    level = torch.tensor([1, 2, 4])
    flat = forward.sample(x0, level, noise)
    image = forward.sample(x0.reshape(3, 2, 1, 1), level, noise.reshape(3, 2, 1, 1))
    assert torch.equal(flat, image.reshape(3, 2))


def test_a_deterministic_step_keeps_the_noise() -> None:
    """With the true data as estimate it lands on the observation that the same noise makes."""
    forward, rng = NoiseForward(4), torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 4, 2, generator=rng, dtype=torch.float64)
    level = torch.arange(4)
    y_next = forward.sample(x0, level + 1, noise)
    found = forward.deterministic_step(x0, y_next, level)
    torch.testing.assert_close(found, forward.sample(x0, level, noise))


def test_a_deterministic_step_to_data_is_the_estimate() -> None:
    forward, rng = NoiseForward(4), torch.Generator().manual_seed(0)
    x_hat, y_next = torch.randn(2, 4, 2, generator=rng)
    level = torch.zeros(4, dtype=torch.int64)
    assert torch.equal(forward.deterministic_step(x_hat, y_next, level), x_hat)
