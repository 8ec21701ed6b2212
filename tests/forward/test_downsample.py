import pytest
import torch
import torch.nn.functional as F

from rgm_bench.forward.downsample import NaiveSuperResolution, SplitSuperResolution
from tests.reference.forward import (
    SUPER_RESOLUTION,
    naive_tables,
    split_tables,
    super_resolution_levels,
)


@pytest.mark.parametrize("prefix", SUPER_RESOLUTION)
def test_every_level_equals_the_published_one(prefix) -> None:
    found = super_resolution_levels(prefix)
    assert len(found) == 3
    assert all(value < 1e-6 for value in found.values()), found


@pytest.mark.parametrize(
    ("schedule", "published"),
    [
        ("original", "sr.T7.original"),
        ("original", "noise.T4.original"),
        ("square", "noise.T4.square"),
    ],
)
def test_the_split_has_the_published_noise_of_its_rungs(schedule, published) -> None:
    assert all(value < 2e-7 for value in split_tables(schedule, published).values())


def test_the_noise_of_the_split_stays_between_bounds() -> None:
    forward = SplitSuperResolution(7)
    std = torch.tensor([0, 1.3831, 0.6916, 1.9197, 0.9599, 1.9966, 0.9983, 2.0])
    torch.testing.assert_close(forward.std, std, rtol=0, atol=1e-4)
    torch.testing.assert_close(forward.fidelity_std, forward.std)


def test_tables_of_the_naive_one_equal_the_published_ones() -> None:
    assert all(value < 2e-7 for value in naive_tables().values())


def test_the_naive_one_has_the_signal_of_its_schedule_at_squared_times() -> None:
    """Source: the formula of the published schedule, in float64."""
    forward = NaiveSuperResolution(3, "square")
    time = (torch.arange(4, dtype=torch.float64) / 3 * (1 - 1e-3) + 1e-3) ** 2
    power = torch.exp(-(time**2) * (20 - 0.1) / 4 - 0.1 * time / 2)
    signal = power / power[0]
    torch.testing.assert_close(forward.signal.double(), signal, rtol=1e-5, atol=5e-6)
    sigma = (1 - signal**2).sqrt()
    for table in (forward.noise_std, forward.fidelity_std):
        torch.testing.assert_close(table.double(), sigma, rtol=1e-5, atol=5e-6)


def test_the_noise_of_the_naive_one_shrinks_with_each_halving() -> None:
    std = torch.tensor([0, 0.413, 0.249, 0.125])
    torch.testing.assert_close(NaiveSuperResolution(3).std, std, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("forward", "sizes"),
    [
        (SplitSuperResolution(7), [32, 32, 16, 16, 8, 8, 4, 4]),
        (SplitSuperResolution(2), [32, 32, 16]),
        (SplitSuperResolution(1), [32, 32]),
        (NaiveSuperResolution(3), [32, 16, 8, 4]),
    ],
)
def test_an_observation_is_a_small_image_upsampled(forward, sizes) -> None:
    rng = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, len(sizes), 3, 32, 32, generator=rng)
    y = forward.sample(x0, torch.arange(len(sizes)), noise)
    for image, size in zip(y, sizes, strict=True):
        small = image[:, :: 32 // size, :: 32 // size]
        assert torch.equal(F.interpolate(small[None], size=32)[0], image)
        assert len(small[0].unique()) == size**2


@pytest.mark.parametrize(
    ("forward", "std"), [(SplitSuperResolution(7), 2.0), (NaiveSuperResolution(3), 0.125)]
)
def test_the_start_is_noise_of_the_published_size_at_4x4_upsampled(forward, std) -> None:
    noise = torch.randn(200, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    start = forward.start(noise)
    small = start[:, :, ::8, ::8]
    assert torch.equal(F.interpolate(small, scale_factor=8), start)
    assert abs(small.std() / std - 1) < 6 / (2 * small.numel()) ** 0.5


@pytest.mark.parametrize(
    ("forward", "height", "message"),
    [
        (SplitSuperResolution(8), 8, "8x8 can be halved 3 times, .* at most 7 levels fit"),
        (SplitSuperResolution(7), 28, "28x28 can be halved 2 times, .* at most 5 levels fit"),
        (NaiveSuperResolution(4), 8, "8x8 can be halved 3 times, .* at most 3 levels fit"),
    ],
)
def test_images_that_cannot_be_halved_so_often_are_refused(forward, height, message) -> None:
    x0 = torch.zeros(2, 1, height, height)
    with pytest.raises(ValueError, match=message):
        forward.sample(x0, torch.tensor([0, 1]), x0)
    with pytest.raises(ValueError, match=message):
        forward.start(x0)


@pytest.mark.parametrize("kind", [SplitSuperResolution, NaiveSuperResolution])
def test_the_most_levels_that_fit_do_fit(kind) -> None:
    for side, halvings in [(8, 3), (28, 2), (12, 2), (32, 5)]:
        forward = kind(kind(1).most_levels(halvings))
        x0 = torch.zeros(1, 1, side, side)
        assert torch.equal(forward.sample(x0, torch.tensor([forward.num_levels]), x0), x0)


@pytest.mark.parametrize("kind", [SplitSuperResolution, NaiveSuperResolution])
def test_points_and_zero_levels_are_refused(kind) -> None:
    points = torch.zeros(4, 2)
    with pytest.raises(ValueError, match="needs images"):
        kind(1).sample(points, torch.ones(4, dtype=torch.int64), points)
    with pytest.raises(ValueError, match="the least is 1"):
        kind(0)
