"""The randomness of a training step, drawn in one place and handed in whole."""

from dataclasses import dataclass
from typing import final

import torch

from rgm_bench.errors import DataError
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.rng import generator
from rgm_bench.types import ByteImage, Image, Latent, Level, Sample


@dataclass(frozen=True)
class HalfStepDraws:
    """The draws of the prior's half of a step, or of the generator's.

    `noise` makes the real observation at `level`, `noise_next` the one at `level` + 1 that is
    restored, `noise_fake` the fake observation at `level`.
    """

    level: Level
    noise: Sample
    noise_next: Sample
    latent: Latent
    noise_fake: Sample

    def take(self, indices: list[int]) -> "HalfStepDraws":
        """The draws of some samples of the batch."""
        return HalfStepDraws(
            self.level[indices],
            self.noise[indices],
            self.noise_next[indices],
            self.latent[indices],
            self.noise_fake[indices],
        )


@dataclass(frozen=True)
class Draws:
    """The data and all random numbers of one training step."""

    x0: Sample
    prior: HalfStepDraws
    generator: HalfStepDraws


@final
class DrawSource:
    """The draws of every step, each a function of the seed and the step alone.

    Data are shuffled anew in each epoch, and what does not fill a batch is left out of it.

    Args:
        images: all training images, on the device that the draws will live on.
        batch_size: images of a step.
        seed: the seed of the training.
        horizontal_flip: whether to mirror each image with probability one half.
        num_levels: levels of the forward process.
        one_level_per_batch: whether all samples of a batch share a level.
        latent: where z comes from.
    """

    def __init__(
        self,
        images: ByteImage,
        *,
        batch_size: int,
        seed: int,
        horizontal_flip: bool,
        num_levels: int,
        one_level_per_batch: bool,
        latent: LatentDistribution,
    ) -> None:
        self.images = images
        self.batch_size, self.seed = batch_size, seed
        self.horizontal_flip = horizontal_flip
        self.num_levels, self.one_level_per_batch = num_levels, one_level_per_batch
        self.latent = latent
        self.steps_per_epoch = len(images) // batch_size
        if not self.steps_per_epoch:
            raise DataError(
                f"batch_size {batch_size} is larger than the data set, which has {len(images)} "
                "images; use a smaller one"
            )
        self._epoch: tuple[int, torch.Tensor] | None = None

    def at(self, step: int) -> Draws:
        """The draws of a step; steps count from 0."""
        rng = generator(self.images.device, self.seed, "step", step)
        x0 = self._batch(step, rng)
        prior = self._half_step(x0, rng)
        return Draws(x0, prior, self._half_step(x0, rng))

    def _batch(self, step: int, rng: torch.Generator) -> Image:
        epoch, position = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            shuffle = generator(self.images.device, self.seed, "epoch", epoch)
            order = torch.randperm(len(self.images), generator=shuffle, device=shuffle.device)
            self._epoch = (epoch, order)
        chosen = self._epoch[1][position * self.batch_size :][: self.batch_size]
        x0 = self.images[chosen].float() / 127.5 - 1
        if self.horizontal_flip:
            coin = torch.rand(len(x0), 1, 1, 1, generator=rng, device=rng.device) < 0.5
            x0 = torch.where(coin, x0.flip(-1), x0)
        return x0

    def _half_step(self, x0: Image, rng: torch.Generator) -> HalfStepDraws:
        def noise() -> Image:
            return torch.randn(x0.shape, generator=rng, device=rng.device)

        num = 1 if self.one_level_per_batch else len(x0)
        level = torch.randint(self.num_levels, (num,), generator=rng, device=rng.device)
        return HalfStepDraws(
            level.expand(len(x0)),
            noise(),
            noise(),
            self.latent.draw(len(x0), rng),
            noise(),
        )
