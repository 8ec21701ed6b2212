"""A prior of one's own: what has to be written, and what is not called in vain."""

import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.ema import moving_average
from rgm_bench.models.toy import ToyGenerator
from rgm_bench.objectives import ResampleObjective
from rgm_bench.optim import Adam
from rgm_bench.priors.base import Prior
from rgm_bench.training.draws import Draws, HalfStepDraws
from rgm_bench.training.step import RestorationStep


class MeanPrior(Prior):
    """The least that a prior has to define: how far apart the means are."""

    def penalty(self, fake, real, level):
        return (fake.mean(0) - real.mean(0)).square().sum()


class CountingPrior(MeanPrior):
    learns = True

    def improve(self, real, fake, level, *, step, decay):
        return {"fakes_mean": fake.mean()}


def draws(seed: int) -> Draws:
    rng = torch.Generator().manual_seed(seed)

    def half() -> HalfStepDraws:
        level = torch.randint(4, (8,), generator=rng)
        return HalfStepDraws(level, *torch.randn(4, 8, 2, generator=rng))

    return Draws(torch.randn(8, 2, generator=rng), half(), half())


def train(prior: Prior, steps: int = 2) -> tuple[list[dict[str, float]], int]:
    """The losses of each step, and how often the generator was called."""
    torch.manual_seed(0)
    network, calls = ToyGenerator(), [0]

    def restore(y, level, z):
        calls[0] += 1
        return network(y, level, z)

    forward = NoiseForward(4)
    step = RestorationStep(
        generator=network,
        restore=restore,
        ema=moving_average(network, decay=0.9),
        optimizer=Adam(network, learning_rate=1e-3, final_learning_rate=1e-3, betas=(0.5, 0.9)),
        forward=forward,
        objective=ResampleObjective(forward=forward, prior=prior, fidelity_weight=0.1),
    )
    losses = [step(draws(s), step=s, decay=1.0) for s in range(steps)]
    return [{k: v.item() for k, v in loss.items()} for loss in losses], calls[0]


def test_a_prior_of_one_method_trains_and_no_fakes_are_made_for_it() -> None:
    fixed, calls = train(MeanPrior())
    assert calls == 2
    learning, calls = train(CountingPrior())
    assert calls == 4
    for one, other in zip(fixed, learning, strict=True):
        assert other.pop("fakes_mean")
        assert one == other


def test_a_prior_of_one_method_has_nothing_to_save() -> None:
    prior = MeanPrior()
    assert prior.state() == {}
    prior.load_state({})
    assert not prior.additive
    assert not prior.one_level_per_penalty
