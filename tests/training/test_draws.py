"""Data of several forms and places as batches."""

import numpy as np
import pytest
import torch

from rgm_bench.models.latent import LatentDistribution
from rgm_bench.training.draws import DrawSource

CPU = torch.device("cpu")
POINTS = torch.randn(20, 2, generator=torch.Generator().manual_seed(0)) * 3


def make_draws(data: torch.Tensor, **changes) -> DrawSource:
    settings = {
        "device": CPU,
        "batch_size": 8,
        "seed": 0,
        "horizontal_flip": False,
        "num_levels": 4,
        "one_level_per_penalty": False,
        "latent": LatentDistribution(size=3),
    }
    return DrawSource(data, **(settings | changes))


def test_points_are_used_as_they_are() -> None:
    draws = make_draws(POINTS)
    epoch = torch.cat([draws.at(0).x0, draws.at(1).x0])
    found = {tuple(row) for row in epoch.tolist()}
    assert len(found) == 16
    assert found <= {tuple(row) for row in POINTS.tolist()}


def test_images_fill_the_range_from_minus_one_to_one() -> None:
    images = torch.arange(256, dtype=torch.uint8).reshape(256, 1, 1, 1)
    x0 = make_draws(images, batch_size=256).at(0).x0
    torch.testing.assert_close(x0.flatten().sort().values, torch.linspace(-1, 1, 256))


def test_points_and_images_of_one_size_share_all_other_draws() -> None:
    """The batch, the level and the noise are functions of seed, step and size alone."""
    grey = torch.arange(40, dtype=torch.uint8).reshape(20, 2, 1, 1)
    points, images = make_draws(POINTS).at(3), make_draws(grey).at(3)
    assert torch.equal(points.generator.level, images.generator.level)
    assert torch.equal(points.generator.noise, images.generator.noise.flatten(1))
    chosen = ((images.x0[:, 0, 0, 0] + 1) * 127.5 / 2).round().long()
    assert torch.equal(points.x0, POINTS[chosen])


def test_one_level_for_a_penalty_is_drawn_uniformly_for_the_generator_s_half_alone() -> None:
    source, plain = make_draws(POINTS, one_level_per_penalty=True), make_draws(POINTS)
    steps = [source.at(step) for step in range(400)]
    shared = torch.stack([step.generator.level for step in steps])
    assert (shared == shared[:, :1]).all()
    each = torch.cat([step.prior.level for step in steps])
    for levels in (shared[:, 0], each):
        counts, expected = levels.bincount(minlength=4), len(levels) / 4
        assert (counts - expected).abs().max() < 5 * expected**0.5
    # up to the generator's level both draw the same
    assert all(
        torch.equal(step.prior.noise, plain.at(k).prior.noise) for k, step in enumerate(steps)
    )
    assert all(
        torch.equal(step.prior.level, plain.at(k).prior.level) for k, step in enumerate(steps)
    )


def test_a_file_mapped_into_memory_gives_the_same_bits(tmp_path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 4), dtype=np.uint8)
    mapped = np.memmap(tmp_path / "images", np.uint8, "w+", shape=images.shape)
    mapped[:] = images
    in_memory = make_draws(torch.from_numpy(images), horizontal_flip=True).at(2).x0
    assert torch.equal(
        make_draws(torch.from_numpy(mapped), horizontal_flip=True).at(2).x0, in_memory
    )


def test_points_cannot_be_mirrored() -> None:
    with pytest.raises(ValueError, match="left and a right"):
        make_draws(POINTS, horizontal_flip=True)
