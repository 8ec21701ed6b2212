import math

import pytest
import torch

from rgm_bench.batching import STDDEV_GROUP, micro_batches
from rgm_bench.models import fir
from rgm_bench.models.discriminator import append_group_stddev
from rgm_bench.models.ema import moving_average
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.models.layers import level_embedding, scaled_uniform_


@pytest.mark.parametrize("operation", ["down", "up", "blur"])
@pytest.mark.parametrize("size", [4, 8, 16])
def test_the_matrix_is_the_convolution(operation, size) -> None:
    x = torch.randn(3, 5, size, size, generator=torch.Generator().manual_seed(0))
    assert size * size <= fir.DENSE_PIXELS
    torch.testing.assert_close(fir.resample(x, operation), fir._convolve(x, operation))


def test_large_images_are_convolved_and_linear() -> None:
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 2, 3, 32, 32, generator=rng)
    down = fir.resample(2 * x + y, "down")
    torch.testing.assert_close(down, 2 * fir.resample(x, "down") + fir.resample(y, "down"))


@pytest.mark.parametrize(("operation", "inside"), [("down", 1), ("up", 2), ("blur", 2)])
@pytest.mark.parametrize("size", [8, 32])
def test_a_constant_image_stays_constant_inside(operation, inside, size) -> None:
    y = fir.resample(torch.ones(1, 1, size, size), operation)[..., inside:-inside, inside:-inside]
    torch.testing.assert_close(y, torch.ones_like(y))


def test_up_is_four_times_the_adjoint_of_down() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 8, 8, generator=rng)
    y = torch.randn(2, 3, 4, 4, generator=rng)
    inner = (fir.resample(x, "down") * y).sum()
    torch.testing.assert_close(4 * inner, (x * fir.resample(y, "up")).sum())


def test_resampling_can_be_differentiated_twice() -> None:
    x = torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda v: fir.resample(v, "down").square(), (x,))


def test_level_embedding_has_the_stated_frequencies() -> None:
    embedding = level_embedding(torch.tensor([0, 3]), 8)
    assert embedding[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    fastest, slowest = math.sin(3), math.sin(3 / 10000)
    torch.testing.assert_close(embedding[1, [0, 3]], torch.tensor([fastest, slowest]))


def test_scaled_uniform_has_the_stated_variance() -> None:
    weight = torch.empty(400, 600)
    torch.manual_seed(0)
    scaled_uniform_(weight, 600, 400, scale=0.5)
    assert weight.var().item() == pytest.approx(0.5 / 500, rel=0.02)
    assert weight.abs().max().item() <= math.sqrt(3 * 0.5 / 500)


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_micro_batches_keep_groups_whole(parts) -> None:
    x = torch.randn(32, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    whole = append_group_stddev(x)
    seen = set()
    for part in micro_batches(32, parts):
        torch.testing.assert_close(append_group_stddev(x[part]), whole[part])
        seen.update(part)
    assert seen == set(range(32))


def test_group_stddev_is_of_strided_groups() -> None:
    x = torch.randn(8, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    groups = 8 // STDDEV_GROUP
    for image in range(8):
        members = x[image % groups :: groups]
        expected = (members.var(0, unbiased=False) + 1e-8).sqrt().mean()
        torch.testing.assert_close(append_group_stddev(x)[image, 1, 0, 0], expected)


def test_ema_forgets_its_start_and_follows_the_closed_form() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    ema = moving_average(network, decay=0.9)
    values = [5.0, 1.0, 2.0, -3.0]
    for value in values:
        torch.nn.init.constant_(network.weight, value)
        ema.update_parameters(network)
    expected = 0.9**3 * 5 + 0.1 * (0.9**2 * 1 + 0.9 * 2 - 3)
    assert ema.module.weight.item() == pytest.approx(expected)


def test_latents_are_standard_normal_or_zero() -> None:
    rng = torch.Generator().manual_seed(0)
    z = LatentDistribution(size=50).draw(4000, rng)
    assert z.mean().abs() < 0.01
    assert (z.var(0) - 1).abs().max() < 0.1
    before = rng.get_state()
    assert LatentDistribution(size=3, zeros=True).draw(2, rng).tolist() == [[0] * 3] * 2
    assert torch.equal(before, rng.get_state())
