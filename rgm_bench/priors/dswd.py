"""Distributional sliced Wasserstein distance: along directions that tell two samples apart best.

Samples are projected on many directions, on each of which the Wasserstein distance is a matter of
sorting. Directions are random ones sent through a learned map, whose steps raise the distance and
keep directions apart.
"""

from collections.abc import Mapping
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary, Features, under
from rgm_bench.priors.base import Prior
from rgm_bench.priors.root import root
from rgm_bench.rng import generator
from rgm_bench.types import Level, Observation, Scalar

Directions = Float[Tensor, " direction feature"]
"""Unit vectors, one row each."""


@final
class DirectionTransform(nn.Module):
    """A linear map and the normalisation of what it gives: unit vectors to unit vectors.

    Args:
        size: entries of a direction; it has `size` squared parameters and `size` more.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, directions: Directions) -> Directions:
        """The directions that distances are measured along."""
        return functional.normalize(self.linear(directions), dim=1)


def random_directions(num: int, size: int, rng: torch.Generator) -> Directions:
    """Unit vectors drawn uniformly from the sphere, on the generator's device."""
    normal = torch.randn(num, size, generator=rng, device=rng.device)
    return functional.normalize(normal, dim=1)


def sliced_distance(fake: Features, real: Features, directions: Directions, power: float) -> Scalar:
    """The power mean over directions of the Wasserstein distances between projections.

    On one direction it is (sum |fake_i - real_i|^power)^(1 / power) over the sorted projections:
    a sum over samples, as published, where the Wasserstein distance of two empirical distributions
    has their mean. So it is batch^(1 / power) times that distance, and grows with the batch.

    At zero, where the published root has no gradient, ours is zero.

    Source: Bonneel et al. 2015, with the power mean of Nguyen et al. 2021; the sum as in the
    published code of Choi et al. 2023.
    """
    fake_sorted = (fake @ directions.T).sort(dim=0).values
    real_sorted = (real @ directions.T).sort(dim=0).values
    powers = (fake_sorted - real_sorted).abs().pow(power).sum(0)
    return root(powers.mean(), power)


def mean_cosine(directions: Directions) -> Scalar:
    """The mean |cosine| over all pairs of directions; those of one with itself count, as 1."""
    return (directions @ directions.T).abs().mean()


def raise_distance(
    transform: DirectionTransform,
    optimizer: Adam,
    *,
    fake: Features,
    real: Features,
    directions: Directions,
    num_steps: int,
    orthogonality_weight: float,
    power: float,
) -> None:
    """Steps of `transform` that raise distance - orthogonality_weight * mean |cosine|.

    `fake` and `real` are taken as they are: no gradient reaches them.

    Source: Nguyen et al. 2021 (DSWD), whose bound on the cosines is a penalty of fixed weight.
    """
    fake, real = fake.detach(), real.detach()
    with torch.enable_grad():
        for _ in range(num_steps):
            slices = transform(directions)
            distance = sliced_distance(fake, real, slices, power)
            (orthogonality_weight * mean_cosine(slices) - distance).backward()
            optimizer.step(decay=1.0)  # its rate stays


@final
class DswdPrior(Prior):
    """The sliced distance between the features of a discriminator, along directions that learn.

    The discriminator learns in `improve`, as for the KLD prior. The map of directions learns in
    `penalty`, on the very batch whose distance the generator then lowers, so every call of
    `penalty` moves it; it and its moments persist from step to step. The directions that go into
    it are drawn anew in each step, from the seed and the number of the step alone. Batches are
    compared whole. As published, `penalty` compares samples of one level, and the discriminator
    learns from samples of all of them.

    Source: Choi et al. 2023, the DSWD prior, after Nguyen et al. 2021.

    Args:
        adversary: the discriminator, and how it learns.
        transform: the map of directions, of the size of the features.
        optimizer: its Adam; the rate at its start holds throughout.
        num_directions: random directions of a step; all pairs of them are compared.
        inner_steps: steps of the map for each of the generator.
        orthogonality_weight: weight of the mean |cosine| between directions.
        power: order of the Wasserstein distance, at least 1.
        seed: of the directions.
    """

    learns = True
    one_level_per_penalty = True

    def __init__(
        self,
        *,
        adversary: Adversary,
        transform: DirectionTransform,
        optimizer: Adam,
        num_directions: int,
        inner_steps: int,
        orthogonality_weight: float,
        power: float,
        seed: int,
    ) -> None:
        self.adversary = adversary
        self.transform, self.optimizer = transform, optimizer
        self.networks = (adversary.discriminator, transform)
        self.num_directions, self.inner_steps = num_directions, inner_steps
        self.orthogonality_weight, self.power = orthogonality_weight, power
        self.seed = seed
        self._step = 0

    def improve(
        self, real: Observation, fake: Observation, level: Level, *, step: int, decay: float
    ) -> Mapping[str, Scalar]:
        """One step of the discriminator on the logistic loss; directions of `step` from here on."""
        self._step = step
        return self.adversary.improve(real, fake, level, step=step, decay=decay)

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The distance of the batch, after the map of directions has learnt from it."""
        fake_features = self.adversary.features(fake, level)
        real_features = self.adversary.features(real, level)
        directions = self._directions(fake_features)
        raise_distance(
            self.transform,
            self.optimizer,
            fake=fake_features,
            real=real_features,
            directions=directions,
            num_steps=self.inner_steps,
            orthogonality_weight=self.orthogonality_weight,
            power=self.power,
        )
        with torch.no_grad():
            slices = self.transform(directions)
        return sliced_distance(fake_features, real_features, slices, self.power)

    def _directions(self, features: Features) -> Directions:
        rng = generator(features.device, self.seed, "directions", self._step)
        return random_directions(self.num_directions, features.shape[1], rng)

    def state(self) -> Mapping[str, Tensor]:
        """The discriminator, the map of directions, the optimisers of both and the step."""
        parts = {
            "adversary": self.adversary.state(),
            "transform": self.transform.state_dict(),
            "optimizer": self.optimizer.state(),
        }
        tensors = {
            f"{part}.{name}": t for part, state in parts.items() for name, t in state.items()
        }
        return tensors | {"step": torch.tensor(self._step)}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.adversary.load_state(under("adversary.", state))
        self.transform.load_state_dict(under("transform.", state))
        self.optimizer.load_state(under("optimizer.", state))
        self._step = int(state["step"])
