"""The interval of FID holds the FID that so many images have on average."""

import numpy as np
import pytest
import torch

from rgm_bench.image_metrics.fid_interval import fid_interval, resampled_fids
from rgm_bench.metrics.fidelity import Features, frechet_distance, statistics
from rgm_bench.rng import derive_seed

REFERENCE = 2000


def features(rows: np.ndarray) -> Features:
    return Features(fid=torch.from_numpy(rows).float(), logits=torch.zeros(len(rows), 2))


class Gaussians:
    """A reference of unequal variances, and images scaled and shifted from it."""

    def __init__(self, dim: int, *, shift: float, scale: float, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._stds = np.exp(np.linspace(0, -3, dim))
        self._scale, self._shift = scale, shift / np.sqrt(dim)
        self.reference = features(self._rng.normal(size=(REFERENCE, dim)) * self._stds)
        self._known = statistics(self.reference)

    def draw(self, num: int) -> Features:
        rows = self._rng.normal(size=(num, len(self._stds))) * self._stds
        return features(rows * self._scale + self._shift)

    def fid(self, images: Features) -> float:
        return frechet_distance(statistics(images), self._known)

    def mean_fid(self, num: int, draws: int = 600) -> float:
        """By simulation: FID is biased in n, so the distance of the distributions is another."""
        return float(np.mean([self.fid(self.draw(num)) for _ in range(draws)]))


@pytest.mark.parametrize(("dim", "num"), [(6, 40), (40, 25)])
def test_resamples_have_the_fid_of_their_images(dim: int, num: int) -> None:
    """More images than dimensions, and fewer."""
    world = Gaussians(dim, shift=0.5, scale=1.2)
    images = world.draw(num)
    found = resampled_fids(images, world.reference, seed=4, resamples=5)
    rng = np.random.default_rng(derive_seed(4, "resamples"))
    drawn = [images.fid[rng.integers(num, size=num)] for _ in range(5)]
    expected = [world.fid(Features(fid=rows, logits=rows)) for rows in drawn]
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.statistics
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.3, 1.0), (1.0, 1.3)])
def test_it_holds_the_mean_fid_as_often_as_it_says(shift: float, scale: float) -> None:
    """In 95 of 100 draws; of equal distributions in more. Four standard errors are allowed."""
    world, num, draws = Gaussians(8, shift=shift, scale=scale, seed=1), 200, 200
    truth, held = world.mean_fid(num), 0
    for seed in range(draws):
        images = world.draw(num)
        found = fid_interval(world.fid(images), images, world.reference, seed=seed, resamples=100)
        held += found.low <= truth <= found.high
    assert held / draws >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / draws)


def test_quantiles_of_the_resamples_themselves_would_miss_it() -> None:
    """Why they are shifted: repetition makes FID larger by more than it varies."""
    world, num = Gaussians(32, shift=0.3, scale=1.0), 100
    truth, images = world.mean_fid(num, draws=100), world.draw(num)
    resamples = resampled_fids(images, world.reference, seed=0, resamples=100)
    assert resamples.min() > truth
    found = fid_interval(world.fid(images), images, world.reference, seed=0, resamples=100)
    assert found.low <= truth <= found.high


def test_four_times_the_images_give_half_the_width() -> None:
    world = Gaussians(8, shift=1.0, scale=1.3)
    few, many = (
        fid_interval(world.fid(images), images, world.reference, seed=0, resamples=1000)
        for images in (world.draw(500), world.draw(2000))
    )
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2, rel=0.2)


def test_a_seed_decides_every_bit() -> None:
    world = Gaussians(8, shift=0.3, scale=1.0)
    images = world.draw(50)
    first, again, other = (
        fid_interval(1.0, images, world.reference, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again != other
