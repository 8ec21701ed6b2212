import pytest
import torch

from rgm_bench.forward.linear import LinearGaussian
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.forward.operators import BlockAverage, Identity, Inpainting, Projection
from rgm_bench.forward.schedule import variance_preserving


def _process(operator, noise_scale) -> LinearGaussian:
    schedule = variance_preserving(4, "original")
    return LinearGaussian(operator=operator, schedule=schedule, noise_scale=noise_scale)


@pytest.fixture
def draws() -> torch.Tensor:
    """Data, noise and an estimate, five images of each."""
    return torch.randn(3, 5, 2, 8, 8, generator=torch.Generator().manual_seed(0))


def test_the_identity_gives_the_noise_process_bit_for_bit(draws) -> None:
    x0, noise, x_hat = draws
    linear, expected = _process(Identity(), torch.ones(())), NoiseForward(4)
    level = torch.arange(5)
    y = linear.sample(x0, level, noise)
    assert torch.equal(y, expected.sample(x0, level, noise))
    found = linear.fidelity(x_hat[1:], y[1:], level[1:])
    assert torch.equal(found, expected.fidelity(x_hat[1:], y[1:], level[1:]))
    assert torch.equal(linear.start(noise), expected.start(noise))


def test_fidelity_is_that_of_the_covariance_written_out(draws) -> None:
    """(y - A x)^T Sigma^+ (y - A x) / 2 with the pseudo-inverse of a singular Sigma."""
    x0, noise, x_hat = draws[:, :1].double()
    scale = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(1)).double()
    scale[0, :4] = 0
    forward = _process(Projection(BlockAverage(2)), scale)
    level = torch.tensor([2])
    y = forward.sample(x0, level, noise)
    signal, sigma = (
        table[2].double() for table in (forward.schedule.signal, forward.schedule.sigma)
    )
    residual = (y - signal * Projection(BlockAverage(2)).apply(x_hat)).flatten()
    covariance = torch.diag((sigma * scale).flatten().square())
    expected = residual @ torch.linalg.pinv(covariance, rtol=1e-12) @ residual / 2
    torch.testing.assert_close(forward.fidelity(x_hat, y, level)[0], expected)


def test_hidden_pixels_are_black_and_pull_at_nothing(draws) -> None:
    x0, noise, x_hat = draws[:, 1:]
    operator = Inpainting.centred_box(height=8, width=8, side=4)
    forward = _process(operator, operator.mask)
    level = torch.arange(1, 5)
    y = forward.sample(x0, level, noise)
    assert (y[:, :, 2:6, 2:6] == 0).all()
    assert (forward.start(noise)[:, :, 2:6, 2:6] == 0).all()
    elsewhere = x_hat + 10 * (1 - operator.mask)
    found = forward.fidelity(elsewhere, y, level)
    torch.testing.assert_close(found, forward.fidelity(x_hat, y, level))


def test_small_measurements_are_refused(draws) -> None:
    forward = _process(BlockAverage(2), torch.ones(()))
    with pytest.raises(ValueError, match=r"makes 2x4x4 of 2x8x8; .* in Projection"):
        forward.sample(draws[0], torch.ones(5, dtype=torch.int64), draws[1])


def test_a_negative_noise_scale_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a noise scale of -0\.5"):
        _process(Identity(), torch.tensor([1.0, -0.5]).reshape(2, 1, 1))
