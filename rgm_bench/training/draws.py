"""The randomness of a training step, drawn in one place and handed in whole."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float32
from torch import Tensor

from rgm_bench.batching import micro_batches
from rgm_bench.data.images import to_unit_range
from rgm_bench.errors import DataError
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.ranks import ALONE, Ranks
from rgm_bench.rng import generator
from rgm_bench.types import ByteImage, Latent, Level, Sample

TrainingData = ByteImage | Float32[Tensor, "n *event"]
"""Images of 0 to 255, which are scaled to [-1, 1], or data that are used as they are."""


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

    Processes that share a training each draw the whole batch and take their part of it, in whole
    groups: so the batch is the same however many they are.

    Args:
        data: all training data. They are looked up where they lie, which may be in the memory of
            the CPU, or in a file mapped into it, while the draws live on a GPU.
        device: where the draws are made and live.
        batch_size: samples of a step, over all processes.
        seed: the seed of the training.
        horizontal_flip: whether to mirror each image with probability one half; not for points.
        num_levels: levels of the forward process.
        one_level_per_penalty: whether all samples of the generator's half share a level; in the
            prior's half each has its own.
        latent: where z comes from.
        ranks: the processes that share the training.
    """

    def __init__(
        self,
        data: TrainingData,
        *,
        device: torch.device,
        batch_size: int,
        seed: int,
        horizontal_flip: bool,
        num_levels: int,
        one_level_per_penalty: bool,
        latent: LatentDistribution,
        ranks: Ranks = ALONE,
    ) -> None:
        self.data, self.device = data, device
        self.batch_size, self.seed = batch_size, seed
        self.horizontal_flip = horizontal_flip
        self.num_levels, self.one_level_per_penalty = num_levels, one_level_per_penalty
        self.latent, self.ranks = latent, ranks
        self._share = micro_batches(batch_size, ranks.num)[ranks.rank] if ranks.num > 1 else None
        self.steps_per_epoch = len(data) // batch_size
        if not self.steps_per_epoch:
            raise DataError(
                f"batch_size {batch_size} is larger than the data set, which has {len(data)} "
                "samples; use a smaller one"
            )
        if horizontal_flip and data.ndim != 4:
            raise ValueError("only images have a left and a right: no horizontal_flip for points")
        self._epoch: tuple[int, Tensor] | None = None

    def at(self, step: int) -> Draws:
        """The draws of a step; steps count from 0. Of several processes, each has its share."""
        rng = generator(self.device, self.seed, "step", step)
        x0 = self._batch(step, rng)
        prior = self._half_step(x0, rng, one_level=False)
        return Draws(x0, prior, self._half_step(x0, rng, one_level=self.one_level_per_penalty))

    def _taken(self, whole: Tensor) -> Tensor:
        """The rows of this process, of what was drawn for the whole batch."""
        return whole if self._share is None else whole[self._share]

    def _batch(self, step: int, rng: torch.Generator) -> Sample:
        epoch, position = divmod(step, self.steps_per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            shuffle = generator(self.device, self.seed, "epoch", epoch)
            order = torch.randperm(len(self.data), generator=shuffle, device=shuffle.device)
            self._epoch = (epoch, order)
        chosen = self._epoch[1][position * self.batch_size :][: self.batch_size]
        rows = self.data[self._taken(chosen).to(self.data.device)].to(self.device)
        x0 = to_unit_range(rows) if rows.dtype == torch.uint8 else rows
        if self.horizontal_flip:
            coin = torch.rand(len(chosen), 1, 1, 1, generator=rng, device=rng.device) < 0.5
            x0 = torch.where(self._taken(coin), x0.flip(-1), x0)
        return x0

    def _half_step(self, x0: Sample, rng: torch.Generator, *, one_level: bool) -> HalfStepDraws:
        batch = len(x0) * self.ranks.num

        def noise() -> Sample:
            shape = (batch, *x0.shape[1:])
            return self._taken(torch.randn(shape, generator=rng, device=rng.device))

        num = 1 if one_level else batch
        level = torch.randint(self.num_levels, (num,), generator=rng, device=rng.device)
        return HalfStepDraws(
            self._taken(level.expand(batch)),
            noise(),
            noise(),
            self._taken(self.latent.draw(batch, rng)),
            noise(),
        )
