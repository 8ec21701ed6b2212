"""Generators, discriminators and how they are called."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, assert_never

import torch
from torch import Tensor, nn

from rgm_bench.config.spec import (
    AnyDiscriminatorSpec,
    DiscriminatorSpec,
    GeneratorSpec,
    LatentSpec,
    MlpDiscriminatorSpec,
    MlpLatentSpec,
    MlpSpec,
    NcsnppSpec,
    NumericsSpec,
    TrainingSpec,
    adversary_of,
)
from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.models.ncsnpp import Ncsnpp
from rgm_bench.models.toy import ToyDiscriminator, ToyGenerator
from rgm_bench.rng import derive_seed

Call = Callable[..., Tensor]


def build_generator(spec: GeneratorSpec, event_shape: tuple[int, ...]) -> nn.Module:
    """The generator with fresh weights."""
    match spec:
        case NcsnppSpec():
            channels, height, width = event_shape
            return Ncsnpp(
                image_shape=(channels, height, width),
                base_channels=spec.base_channels,
                channel_multipliers=spec.channel_multipliers,
                blocks_per_level=spec.blocks_per_level,
                attention_resolutions=spec.attention_resolutions,
                latent_size=spec.latent.size,
                latent_embedding=spec.latent.embedding,
                latent_layers=spec.latent.layers,
                output=spec.output,
            )
        case MlpSpec():
            return ToyGenerator(latent_size=spec.latent.size, width=spec.width)
        case _:
            assert_never(spec)


def build_discriminator(spec: AnyDiscriminatorSpec, event_shape: tuple[int, ...]) -> nn.Module:
    """The discriminator with fresh weights."""
    match spec:
        case DiscriminatorSpec():
            return Discriminator(
                size=spec.kind,
                image_channels=event_shape[0],
                base_channels=spec.base_channels,
                time_embedding=spec.time_embedding,
            )
        case MlpDiscriminatorSpec():
            return ToyDiscriminator(width=spec.width)
        case _:
            assert_never(spec)


def build_latent(spec: LatentSpec | MlpLatentSpec) -> LatentDistribution:
    """Where z comes from."""
    return LatentDistribution(size=spec.size, zeros=spec.kind == "zeros")


def build_networks(spec: TrainingSpec, device: torch.device) -> tuple[nn.Module, nn.Module | None]:
    """The generator, and the discriminator if there is one, with the first weights of a training.

    Weights are drawn on the CPU, so that a training starts alike on every device.
    """
    adversary = adversary_of(spec.method)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(spec.seed, "weights"))
        generator = build_generator(spec.generator, spec.data.event_shape)
        discriminator = adversary and build_discriminator(
            adversary.discriminator, spec.data.event_shape
        )
    _lay_out(generator, spec.numerics, device)
    if discriminator is not None:
        _lay_out(discriminator, spec.numerics, device)
    return generator, discriminator


def _lay_out(network: nn.Module, numerics: NumericsSpec, device: torch.device) -> None:
    layout = torch.channels_last if numerics.channels_last else torch.contiguous_format
    network.to(device)
    for parameter in network.parameters():
        if parameter.ndim == 4:  # weights of convolutions; the others have no such layout
            parameter.data = parameter.data.contiguous(memory_format=layout)


def in_numerics(network: Call, spec: NumericsSpec, device: torch.device) -> Call:
    """How a network is called under `spec`: compiled, in another layout, in lower precision.

    Whatever happens inside, the result is float32.
    """
    call: Call = torch.compile(network) if spec.compile else network
    layout = torch.channels_last if spec.channels_last else torch.contiguous_format
    lower = spec.precision == "bfloat16"

    def run(x: Tensor, *conditions: Any) -> Tensor:
        x = x.contiguous(memory_format=layout) if x.ndim == 4 else x
        with torch.autocast(device.type, torch.bfloat16) if lower else nullcontext():
            return call(x, *conditions).float()

    return run
