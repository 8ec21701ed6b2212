import pytest
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor, nn

from rgm_bench.models.toy import ToyDiscriminator
from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.dswd import (
    DirectionTransform,
    DswdPrior,
    mean_cosine,
    raise_distance,
    random_directions,
    sliced_distance,
)
from rgm_bench.rng import generator
from tests.reference.priors import dswd_differences

CPU = torch.device("cpu")


def samples(*sizes: int, dim: int, seed: int = 0) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(size, dim, generator=rng) for size in sizes]


def directions_of(num: int, dim: int) -> Tensor:
    return random_directions(num, dim, torch.Generator().manual_seed(1))


def test_inner_steps_loss_and_gradient_equal_the_published_ones() -> None:
    found = dswd_differences()
    assert found["transform"] < 1e-5
    assert found["loss"] < 1e-5
    assert found["gradient"] < 1e-4


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_it_is_the_power_mean_of_distances_of_sorted_projections(power) -> None:
    fake, real = samples(12, 12, dim=4)
    directions = directions_of(6, 4)
    distances = []
    for direction in directions:
        pairs = zip(
            sorted(float(x @ direction) for x in fake),
            sorted(float(x @ direction) for x in real),
            strict=True,
        )
        distances.append(sum(abs(a - b) ** power for a, b in pairs) ** (1 / power))
    expected = (sum(d**power for d in distances) / 6) ** (1 / power)
    found = sliced_distance(fake, real, directions, power).item()
    assert found == pytest.approx(expected, rel=1e-5)
    # high powers approach the largest of them
    high = sliced_distance(fake.double(), real.double(), directions.double(), 200.0).item()
    largest = max(
        (a - b).abs().max().item()
        for direction in directions
        for a, b in [((fake @ direction).sort().values, (real @ direction).sort().values)]
    )
    assert high == pytest.approx(largest, rel=0.05)


@pytest.mark.parametrize("dim", [1, 3])
def test_along_one_direction_it_is_the_wasserstein_distance(dim) -> None:
    """With power 1, up to the sum over samples that stands for their mean."""
    fake, real = samples(50, 50, dim=dim)
    for direction in directions_of(3, dim):
        exact = wasserstein_distance((fake @ direction).numpy(), (real @ direction).numpy())
        found = sliced_distance(fake, real, direction[None], 1.0).item()
        assert found == pytest.approx(50 * exact, rel=1e-5)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_equal_sets_have_no_distance_and_no_gradient(power) -> None:
    (real,) = samples(20, dim=5)
    fake, directions = real.clone().requires_grad_(), directions_of(7, 5)
    distance = sliced_distance(fake, real, directions, power)
    distance.backward()
    assert distance == 0
    assert fake.grad is not None
    assert torch.equal(fake.grad, torch.zeros_like(real))
    assert sliced_distance(real.flip(0), real, directions, power) < 1e-5


def test_a_shift_is_measured_along_each_direction() -> None:
    """Moving a set by v moves its projections by <v, direction>."""
    (real,) = samples(9, dim=3)
    shift, directions = torch.tensor([1.0, -2.0, 0.5]), directions_of(5, 3)
    expected = (9 * (directions @ shift).square().mean()).sqrt()
    torch.testing.assert_close(sliced_distance(real + shift, real, directions, 2.0), expected)


def test_directions_are_uniform_unit_vectors() -> None:
    directions = directions_of(20_000, 3)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(20_000))
    second_moments = directions.T @ directions / 20_000
    torch.testing.assert_close(second_moments, torch.eye(3) / 3, rtol=0, atol=0.01)
    assert directions.mean(0).abs().max() < 0.02


def test_the_mean_cosine_of_orthogonal_directions_is_that_with_themselves() -> None:
    assert mean_cosine(torch.eye(5)).item() == pytest.approx(1 / 5)
    assert mean_cosine(torch.ones(5, 1)).item() == pytest.approx(1)


@pytest.mark.parametrize("orthogonality_weight", [0.0, 10.0])
def test_inner_steps_raise_the_regularised_distance(orthogonality_weight) -> None:
    fake, real = samples(64, 64, dim=8)
    fake = fake + torch.arange(8) / 4
    torch.manual_seed(0)
    transform, directions = DirectionTransform(8), directions_of(30, 8)
    adam = Adam(transform, learning_rate=1e-3, final_learning_rate=1e-3, betas=(0.5, 0.9))

    @torch.no_grad()
    def regularised() -> float:
        slices = transform(directions)
        cosine = orthogonality_weight * mean_cosine(slices)
        return (sliced_distance(fake, real, slices, 2.0) - cosine).item()

    values = [regularised()]
    for _ in range(10):
        raise_distance(
            transform,
            adam,
            fake=fake,
            real=real,
            directions=directions,
            num_steps=2,
            orthogonality_weight=orthogonality_weight,
            power=2.0,
        )
        values.append(regularised())
    assert values == sorted(values)
    assert values[-1] > values[0]


def make_prior(inner_steps: int = 0, seed: int = 3) -> DswdPrior:
    torch.manual_seed(0)
    discriminator = ToyDiscriminator(width=6)
    transform = DirectionTransform(6)
    nn.init.eye_(transform.linear.weight)
    nn.init.zeros_(transform.linear.bias)
    rates = {"learning_rate": 1e-3, "final_learning_rate": 1e-3, "betas": (0.5, 0.9)}
    adversary = Adversary(
        discriminator=discriminator,
        optimizer=Adam(discriminator, **rates),
        r1_weight=0.0,
        r1_every=1,
    )
    return DswdPrior(
        adversary=adversary,
        transform=transform,
        optimizer=Adam(transform, **rates),
        num_directions=11,
        inner_steps=inner_steps,
        orthogonality_weight=10.0,
        power=2.0,
        seed=seed,
    )


def test_without_inner_steps_it_is_the_sliced_distance_of_features_along_the_steps_directions() -> (
    None
):
    prior, level = make_prior(), torch.full((16,), 2)
    fake, real = samples(16, 16, dim=2)
    for step in (0, 5):
        prior.improve(real, fake, level, step=step, decay=0.0)
        found = prior.penalty(fake, real, level)
        features = prior.adversary.features
        directions = random_directions(11, 6, generator(CPU, 3, "directions", step))
        expected = sliced_distance(features(fake, level), features(real, level), directions, 2.0)
        torch.testing.assert_close(found, expected)


def test_directions_follow_seed_and_step_and_the_map_goes_on_from_where_it_was() -> None:
    fake, real = samples(16, 16, dim=2)
    level = torch.zeros(16, dtype=torch.int64)

    def value(*, seed: int, step: int) -> Tensor:
        prior = make_prior(seed=seed)
        prior.improve(real, fake, level, step=step, decay=0.0)
        return prior.penalty(fake, real, level)

    assert torch.equal(value(seed=0, step=4), value(seed=0, step=4))
    assert not torch.equal(value(seed=0, step=4), value(seed=0, step=5))
    assert not torch.equal(value(seed=0, step=4), value(seed=1, step=4))
    prior = make_prior(inner_steps=2)
    moved = [prior.transform.linear.weight.detach().clone()]
    for _ in range(2):
        prior.penalty(fake, real, level)
        moved.append(prior.transform.linear.weight.detach().clone())
    assert not torch.equal(moved[0], moved[1])
    assert not torch.equal(moved[1], moved[2])
    moments = prior.optimizer.state()
    assert moments["linear.weight/step"] == 4
