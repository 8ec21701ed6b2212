"""Every prior keeps the laws of priors, for images and for points."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.toy import ToyDiscriminator
from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.base import Prior
from rgm_bench.priors.dswd import DirectionTransform, DswdPrior
from rgm_bench.priors.kld import KldPrior
from rgm_bench.priors.mmd import FeatureMmdPrior, FixedMmdPrior
from rgm_bench.priors.none import NoPrior
from rgm_bench.testing.priors import PriorContract

Network = Callable[[], nn.Module]
BANDWIDTHS = (1.0, 2.0, 4.0, 8.0, 16.0)


def image_network() -> nn.Module:
    network = Discriminator(size="small", image_channels=1, base_channels=4, time_embedding=8)
    for parameter in network.parameters():  # away from the zero start of some layers
        nn.init.normal_(parameter, std=0.2)
    return network


def adam(network: nn.Module) -> Adam:
    return Adam(network, learning_rate=2e-3, final_learning_rate=1e-5, betas=(0.5, 0.9))


def adversary(network: Network) -> Adversary:
    torch.manual_seed(0)
    discriminator = network()
    return Adversary(
        discriminator=discriminator, optimizer=adam(discriminator), r1_weight=0.02, r1_every=2
    )


def kld(network: Network, event_shape: tuple[int, ...]) -> Prior:
    return KldPrior(adversary=adversary(network))


def feature_mmd(network: Network, event_shape: tuple[int, ...]) -> Prior:
    return FeatureMmdPrior(adversary=adversary(network), bandwidths=BANDWIDTHS)


def fixed_mmd(network: Network, event_shape: tuple[int, ...]) -> Prior:
    return FixedMmdPrior(bandwidths=BANDWIDTHS)


def dswd(network: Network, event_shape: tuple[int, ...]) -> Prior:
    learner = adversary(network)
    transform = DirectionTransform(learner.feature_size(event_shape))
    return DswdPrior(
        adversary=learner,
        transform=transform,
        optimizer=adam(transform),
        num_directions=20,
        inner_steps=3,
        orthogonality_weight=10.0,
        power=2.0,
        seed=7,
    )


def nothing(network: Network, event_shape: tuple[int, ...]) -> Prior:
    return NoPrior()


ON_IMAGES, ON_POINTS = (image_network, (1, 8, 8)), (ToyDiscriminator, (2,))


@pytest.mark.parametrize("prior", [kld, feature_mmd, fixed_mmd, dswd, nothing])
@pytest.mark.parametrize("data", [ON_IMAGES, ON_POINTS], ids=["images", "points"])
class TestPriors(PriorContract):
    @pytest.fixture(autouse=True)
    def _choose(self, prior, data) -> None:
        network, self.event_shape = data
        self.make = lambda: prior(network, self.event_shape)
        self.is_constant = prior is nothing


class Shift(Prior):
    """A fixed prior that keeps every law: how far the means are apart."""

    def penalty(self, fake, real, level):
        return (fake.mean(0) - real.mean(0)).square().sum()


class SaysItAdds(Shift):
    additive = True


class LearnsUntold(Shift):
    def improve(self, real, fake, level, *, step, decay):
        return {"distance": fake.mean()}


class PrefersFar(Shift):
    def penalty(self, fake, real, level):
        return -super().penalty(fake, real, level)


class DrawsAnywhere(Shift):
    def penalty(self, fake, real, level):
        return torch.rand(()) * super().penalty(fake, real, level)


class Forgets(Shift):
    """Counts its steps and does not save the count."""

    learns = True
    steps = 0

    def improve(self, real, fake, level, *, step, decay):
        self.steps += 1
        return {}

    def penalty(self, fake, real, level):
        return (1 + self.steps) * super().penalty(fake, real, level)


class ComparesPairs(Shift):
    def penalty(self, fake, real, level):
        weight = torch.arange(len(fake)).float()
        return (weight @ (fake - real).square().flatten(1)).sum()


class TestShift(PriorContract):
    def make(self) -> Prior:
        return Shift()


class ComparesOneLevel(Shift):
    """Refuses what a training never gives it."""

    learns = True
    one_level_per_penalty = True

    def improve(self, real, fake, level, *, step, decay):
        assert len(level.unique()) > 1
        return {}

    def penalty(self, fake, real, level):
        assert len(level.unique()) == 1
        return super().penalty(fake, real, level)


class TestOneLevel(PriorContract):
    def make(self) -> Prior:
        return ComparesOneLevel()


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (SaysItAdds, "test_an_additive_penalty_is_the_mean_over_micro_batches"),
        (LearnsUntold, "test_a_prior_that_does_not_learn_says_so_and_keeps_to_it"),
        (PrefersFar, "test_far_fakes_are_not_penalised_less_than_real_ones"),
        (DrawsAnywhere, "test_equal_calls_give_equal_bits"),
        (Forgets, "test_a_restored_prior_goes_on_with_the_same_bits"),
        (ComparesPairs, "test_the_order_of_a_batch_does_not_count"),
    ],
)
def test_the_suite_notices_a_broken_law(broken, law) -> None:
    suite = PriorContract()
    suite.make = broken  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        getattr(suite, law)()
