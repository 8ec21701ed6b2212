"""The networks are the published functions: same parameters in, same numbers out."""

from pathlib import Path

import pytest
import torch

from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.ncsnpp import Ncsnpp
from rgm_bench.models.official import load_into, read_state
from tests.reference.networks import (
    discriminator_differences,
    generator_differences,
    toy_differences,
)
from tests.vectors import shapes_in


def test_generator_equals_the_published_one() -> None:
    found = generator_differences()
    assert found["value"] < 1e-5
    assert found["gradient"] < 1e-4


@pytest.mark.parametrize("size", ["small", "large"])
def test_discriminator_equals_the_published_one(size) -> None:
    found = discriminator_differences(size)
    assert found["features"] < 1e-5
    assert found["value"] < 1e-5
    assert found["gradient"] < 1e-4


def test_toy_networks_equal_the_published_ones() -> None:
    found = toy_differences()
    assert found["generator"] < 1e-5
    assert found["discriminator"] < 1e-5


def full_generator() -> Ncsnpp:
    return Ncsnpp(
        image_shape=(3, 32, 32),
        base_channels=128,
        channel_multipliers=[1, 2, 2, 2],
        blocks_per_level=2,
        attention_resolutions=[16],
        latent_size=100,
        latent_embedding=256,
        latent_layers=4,
        output="tanh",
    )


def full_discriminator() -> Discriminator:
    return Discriminator(size="small", image_channels=3, base_channels=64, time_embedding=256)


@pytest.mark.parametrize(
    ("build", "names", "total"),
    [
        (full_generator, "generator_cifar10_state.txt", 48_432_515),
        (full_discriminator, "discriminator_cifar10_state.txt", 12_741_249),
    ],
)
def test_full_cifar10_networks_have_the_published_parameters(build, names, total) -> None:
    shapes, stated = shapes_in(names)
    network = build()
    assert {name: tuple(p.shape) for name, p in network.named_parameters()} == shapes
    assert sum(p.numel() for p in network.parameters()) == stated == total


def test_celeba_hq_networks_have_the_published_sizes() -> None:
    with torch.device("meta"):
        generator = Ncsnpp(
            image_shape=(3, 256, 256),
            base_channels=64,
            channel_multipliers=[1, 1, 2, 2, 4, 4],
            blocks_per_level=2,
            attention_resolutions=[16],
            latent_size=100,
            latent_embedding=256,
            latent_layers=3,
            output="tanh",
        )
        discriminator = Discriminator(
            size="large", image_channels=3, base_channels=64, time_embedding=256
        )
    assert sum(p.numel() for p in generator.parameters()) == 39_726_979
    assert sum(p.numel() for p in discriminator.parameters()) == 27_736_833


@pytest.mark.parametrize("part", ["ema", "generator", "discriminator"])
def test_official_checkpoint_is_read_by_its_names(part, tmp_path: Path) -> None:
    """A checkpoint laid out like a published one: full networks, wrapped for data parallelism."""
    build = full_discriminator if part == "discriminator" else full_generator
    names, _ = shapes_in(
        "discriminator_cifar10_state.txt"
        if part == "discriminator"
        else "generator_cifar10_state.txt"
    )
    rng = torch.Generator().manual_seed(0)
    state = {f"module.{name}": torch.randn(*shape, generator=rng) for name, shape in names.items()}
    key = {"ema": "ema", "generator": "netG_dict", "discriminator": "netD_dict"}[part]
    torch.save({key: state, "epoch": torch.tensor(3)}, tmp_path / "official.pth")
    network = build()
    load_into(network, read_state(tmp_path / "official.pth", part))
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, state[f"module.{name}"])
