"""From specs to objects: the only place that asks which kind a spec is.

A new kind is one more case here; pyright refuses a union whose member has none.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, assert_never

import torch
from torch import Tensor, nn

from rgm_bench.config.spec import (
    Cifar10Spec,
    DataSpec,
    DigitsSpec,
    DiscriminatorSpec,
    FashionMnistSpec,
    ImageFolderSpec,
    LatentSpec,
    NcsnppSpec,
    NoiseForwardSpec,
    NumericsSpec,
    RestorationSamplerSpec,
    TrainingSpec,
)
from rgm_bench.data.images import load_images
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.ema import moving_average
from rgm_bench.models.latent import LatentDistribution
from rgm_bench.models.ncsnpp import Ncsnpp
from rgm_bench.objectives import MapObjective, PosteriorObjective, ResampleObjective
from rgm_bench.optim import Adam
from rgm_bench.priors.kld import KldPrior
from rgm_bench.rng import derive_seed
from rgm_bench.sampling.base import Sampler
from rgm_bench.sampling.restoration import RestorationSampler
from rgm_bench.training.draws import DrawSource
from rgm_bench.training.loop import Training
from rgm_bench.training.step import TrainingStep
from rgm_bench.types import ByteImage

Call = Callable[..., Tensor]


def build_images(spec: DataSpec) -> ByteImage:
    """All images of a data set's split."""
    match spec:
        case DigitsSpec() | FashionMnistSpec() | Cifar10Spec():
            return load_images(kind=spec.kind, split=spec.split)
        case ImageFolderSpec():
            return load_images(
                kind=spec.kind, split=spec.split, name=spec.name, image_size=spec.image_size
            )
        case _:
            assert_never(spec)


def build_forward(spec: NoiseForwardSpec, device: torch.device) -> NoiseForward:
    """The forward process, its tables on `device`."""
    forward = NoiseForward(spec.num_levels, spec.schedule)
    forward.to(device)
    return forward


def build_generator(spec: NcsnppSpec, image_shape: tuple[int, int, int]) -> Ncsnpp:
    """The generator with fresh weights."""
    return Ncsnpp(
        image_shape=image_shape,
        base_channels=spec.base_channels,
        channel_multipliers=spec.channel_multipliers,
        blocks_per_level=spec.blocks_per_level,
        attention_resolutions=spec.attention_resolutions,
        latent_size=spec.latent.size,
        latent_embedding=spec.latent.embedding,
        latent_layers=spec.latent.layers,
        output=spec.output,
    )


def build_discriminator(spec: DiscriminatorSpec, image_channels: int) -> Discriminator:
    """The discriminator with fresh weights."""
    return Discriminator(
        size=spec.kind,
        image_channels=image_channels,
        base_channels=spec.base_channels,
        time_embedding=spec.time_embedding,
    )


def build_latent(spec: LatentSpec) -> LatentDistribution:
    """Where z comes from."""
    return LatentDistribution(size=spec.size, zeros=spec.kind == "zeros")


def build_training(spec: TrainingSpec, device: torch.device) -> Training:
    """A training at its start, networks and data on `device`."""
    latent = build_latent(spec.generator.latent)
    draws = DrawSource(
        build_images(spec.data).to(device),
        batch_size=spec.batch_size,
        seed=spec.seed,
        horizontal_flip=spec.data.horizontal_flip,
        num_levels=spec.method.forward.num_levels,
        one_level_per_batch=KldPrior.one_level_per_batch,
        latent=latent,
    )
    return Training(
        step=build_step(spec, device),
        draws=draws,
        steps=spec.steps,
        horizon_images=spec.optimizer.decay.horizon_images,
    )


def build_step(spec: TrainingSpec, device: torch.device) -> TrainingStep:
    """What one step of a training does, its networks on `device` with their first weights."""
    generator, discriminator = build_networks(spec, device)
    forward = build_forward(spec.method.forward, device)
    prior = KldPrior(
        discriminator=discriminator,
        optimizer=_build_adam(spec, discriminator, spec.method.prior.learning_rate),
        r1_weight=spec.method.prior.r1.weight,
        r1_every=spec.method.prior.r1.every_steps,
        accumulation=spec.numerics.accumulation,
        classify=in_numerics(discriminator, spec.numerics, device),
    )
    return TrainingStep(
        generator=generator,
        restore=in_numerics(generator, spec.numerics, device),
        ema=moving_average(generator, decay=spec.ema.decay),
        optimizer=_build_adam(spec, generator, spec.optimizer.learning_rate),
        forward=forward,
        objective=_build_objective(spec, forward, prior),
        accumulation=spec.numerics.accumulation,
    )


def build_networks(spec: TrainingSpec, device: torch.device) -> tuple[Ncsnpp, Discriminator]:
    """Generator and discriminator with the first weights of a training.

    Weights are drawn on the CPU, so that a training starts alike on every device.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(spec.seed, "weights"))
        generator = build_generator(spec.generator, spec.data.image_shape)
        image_channels = spec.data.image_shape[0]
        discriminator = build_discriminator(spec.method.prior.discriminator, image_channels)
    layout = torch.channels_last if spec.numerics.channels_last else torch.contiguous_format
    for network in (generator, discriminator):
        network.to(device)
        for parameter in network.parameters():
            if parameter.ndim == 4:  # weights of convolutions; the others have no such layout
                parameter.data = parameter.data.contiguous(memory_format=layout)
    return generator, discriminator


def in_numerics(network: nn.Module, spec: NumericsSpec, device: torch.device) -> Call:
    """How a network is called under `spec`: compiled, in another layout, in lower precision.

    Whatever happens inside, the result is float32.
    """
    call: Call = torch.compile(network) if spec.compile else network
    layout = torch.channels_last if spec.channels_last else torch.contiguous_format
    lower = spec.precision == "bfloat16"

    def run(x: Tensor, *conditions: Any) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16) if lower else nullcontext():
            return call(x.contiguous(memory_format=layout), *conditions).float()

    return run


def build_sampler(
    spec: RestorationSamplerSpec, training: TrainingSpec, generator: nn.Module, device: torch.device
) -> Sampler:
    """A sampler of the model that `training` made, with the weights of `generator`."""
    return RestorationSampler(
        forward=build_forward(training.method.forward, device),
        restore=in_numerics(generator, training.numerics, device),
        latent=build_latent(training.generator.latent),
        event_shape=training.data.image_shape,
        noise_factor=spec.noise_factor,
    )


def _build_adam(spec: TrainingSpec, network: nn.Module, learning_rate: float) -> Adam:
    return Adam(
        network,
        learning_rate=learning_rate,
        final_learning_rate=spec.optimizer.decay.final_learning_rate,
        betas=spec.optimizer.betas,
    )


def _build_objective(spec: TrainingSpec, forward: NoiseForward, prior: KldPrior) -> MapObjective:
    weight = spec.method.fidelity_weight
    match spec.method.fake:
        case "resample":
            return ResampleObjective(forward=forward, prior=prior, fidelity_weight=weight)
        case "posterior":
            return PosteriorObjective(forward=forward, prior=prior, fidelity_weight=weight)
        case _:
            assert_never(spec.method.fake)
