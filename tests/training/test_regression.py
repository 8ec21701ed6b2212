"""Least squares without a prior: the optimum is the best network, and steps are exact."""

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.ema import moving_average
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.models.toy import ToyGenerator
from rgm_bench.optim import Adam
from rgm_bench.testing.samplers import GaussianData
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.draws import DrawSource
from rgm_bench.training.loop import Training
from rgm_bench.training.regression import RegressionStep, regression_loss
from tests.vectors import difference

CPU = torch.device("cpu")
GAUSSIAN = GaussianData()
LATENT = LatentDistribution(size=2)
Target = Literal["data", "noise"]


class LinearByLevel(nn.Module):
    """A line for each level: what the best network for Gaussian data is."""

    def __init__(self, num_levels: int) -> None:
        super().__init__()
        self.lines = nn.Embedding(num_levels, 2)
        nn.init.zeros_(self.lines.weight)

    def forward(self, y: torch.Tensor, level: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        slope, offset = self.lines(level)[:, :, None].unbind(1)
        return slope * y + offset


def make_step(
    network: nn.Module, target: Target, *, forward: NoiseForward, accumulation: int = 1
) -> RegressionStep:
    adam = Adam(network, learning_rate=0.05, final_learning_rate=0.0, betas=(0.9, 0.99))
    return RegressionStep(
        generator=network,
        predict=network,
        ema=moving_average(network, decay=0.5),
        optimizer=adam,
        forward=forward,
        target=target,
        accumulation=accumulation,
    )


def make_training(step: RegressionStep, *, batch_size: int, steps: int) -> Training:
    data = GAUSSIAN.draw(2048, (2,), torch.Generator().manual_seed(1))
    draws = DrawSource(
        data,
        device=CPU,
        batch_size=batch_size,
        seed=0,
        horizontal_flip=False,
        num_levels=4,
        one_level_per_penalty=False,
        latent=LATENT,
    )
    return Training(step=step, draws=draws, steps=steps, horizon_images=steps * batch_size)


def toy(seed: int = 0) -> ToyGenerator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ToyGenerator(width=8)


@pytest.mark.parametrize(("target", "steps"), [("data", 400), ("noise", 100)])
def test_the_optimum_is_the_best_network(target: Target, steps: int) -> None:
    """The posterior mean of the data, or of the noise, at every level."""
    forward, network = NoiseForward(4), LinearByLevel(4)
    step = make_step(network, target, forward=forward)
    make_training(step, batch_size=1024, steps=steps).run(lambda: None)
    best = GAUSSIAN.posterior_mean(forward) if target == "data" else GAUSSIAN.noise(forward)
    y = torch.linspace(-1.5, 1.5, 12).reshape(6, 2)
    for number in range(4):
        level, z = torch.full((6,), number), torch.zeros(6, 2)
        assert difference(network(y, level, z).detach(), best(y, level, z)) < 0.05


@pytest.mark.parametrize("target", ["data", "noise"])
def test_the_loss_is_half_the_squared_error_summed_over_entries(target: Target) -> None:
    forward, network = NoiseForward(4), toy()
    step = make_step(network, target, forward=forward)
    draws = make_training(step, batch_size=16, steps=1).draws.at(0)
    half = draws.generator
    y = forward.sample(draws.x0, half.level + 1, half.noise_next)
    aim = draws.x0 if target == "data" else half.noise_next
    pairs = zip(network(y, half.level, half.latent), aim, strict=True)
    expected = torch.stack([(p - a).norm() for p, a in pairs]).square().mean() / 2
    losses = step(draws, step=0, decay=1.0)
    assert list(losses) == ["generator_loss"]
    assert difference(losses["generator_loss"], expected.detach()) < 1e-6


def test_the_loss_of_images_is_that_of_their_pixels_in_a_row() -> None:
    prediction, target = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    flat = regression_loss(prediction.flatten(1), target.flatten(1))
    torch.testing.assert_close(regression_loss(prediction, target), flat)
    torch.testing.assert_close(flat, (prediction - target).square().sum() / 6)


@pytest.mark.parametrize("accumulation", [2, 4])
def test_accumulated_gradients_are_those_of_the_whole_batch(accumulation: int) -> None:
    gradients, losses = [], []
    for parts in (1, accumulation):
        network = toy()
        step = make_step(network, "noise", forward=NoiseForward(4), accumulation=parts)
        step.optimizer.step = lambda decay: None
        draws = make_training(step, batch_size=32, steps=1).draws.at(0)
        losses.append(step(draws, step=0, decay=1.0)["generator_loss"])
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert difference(gradients[1], gradients[0]) < 1e-5
    assert difference(losses[1], losses[0]) < 1e-6


@pytest.mark.parametrize("broken_off_after", [1, 7, 10])
def test_a_resumed_training_has_the_same_bits(tmp_path: Path, broken_off_after: int) -> None:
    def fresh(seed: int = 0) -> Training:
        step = make_step(toy(seed), "data", forward=NoiseForward(4))
        return make_training(step, batch_size=256, steps=10)

    unbroken, half, resumed = fresh(), fresh(), fresh(seed=1)
    unbroken.run(lambda: None)
    half.steps = broken_off_after
    half.run(lambda: None)
    (tmp_path / "c").write_bytes(half.checkpoint().to_bytes())
    checkpoint = Checkpoint.read(tmp_path / "c", CPU)
    assert checkpoint is not None
    resumed.resume(checkpoint)
    resumed.run(lambda: None)
    assert resumed.curve.columns == unbroken.curve.columns
    state = resumed.step.state()
    assert state.keys() == unbroken.step.state().keys()
    assert all(torch.equal(state[name], t) for name, t in unbroken.step.state().items())


def test_only_the_generators_half_of_the_draws_counts() -> None:
    """So that a training on it shares its noise with one whose prior learns nothing."""
    losses = []
    for seed in (0, 1):
        step = make_step(toy(), "data", forward=NoiseForward(4))
        draws = make_training(step, batch_size=16, steps=1).draws.at(0)
        noise = torch.randn(16, 2, generator=torch.Generator().manual_seed(seed))
        for name in ("noise", "noise_next", "noise_fake"):
            object.__setattr__(draws.prior, name, noise)
        losses.append(step(draws, step=0, decay=1.0)["generator_loss"])
    assert torch.equal(losses[0], losses[1])
