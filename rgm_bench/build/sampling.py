"""Samplers and solvers of a trained network."""

from typing import assert_never

import torch
from torch import Tensor

from rgm_bench.build.data import build_data
from rgm_bench.build.degradation import build_forward, build_noise_forward
from rgm_bench.build.networks import Call, build_latent, in_numerics
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import (
    DdrmSpec,
    DiffusionSamplerSpec,
    FormulaSolverSpec,
    NoiseForwardSpec,
    OneShotSamplerSpec,
    PlugAndPlaySpec,
    PythonPartSpec,
    RestorationSamplerSpec,
    SamplerSpec,
    SolverSpec,
    TrainingSpec,
    is_images,
    other_split,
)
from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.baselines import Bicubic, PseudoInverse
from rgm_bench.inverse.ddrm import Ddrm
from rgm_bench.inverse.denoisers import VariancePreservingDenoiser
from rgm_bench.inverse.plug_and_play import PlugAndPlay
from rgm_bench.sampling.base import Sampler
from rgm_bench.sampling.diffusion import DiffusionSampler
from rgm_bench.sampling.restoration import OneShotRestoration, RestorationSampler


def build_sampler(
    spec: SamplerSpec,
    training: TrainingSpec,
    generator: Call,
    device: torch.device,
    parts: Parts = NO_PARTS,
) -> Sampler:
    """A sampler of the model that `training` made, with the weights of `generator`."""
    match spec:
        case RestorationSamplerSpec():
            return _restoration(spec, training, generator, device, parts)
        case OneShotSamplerSpec():
            settings = RestorationSamplerSpec(kind="restoration")
            return OneShotRestoration(
                sampler=_restoration(settings, training, generator, device, parts),
                data=build_data(other_split(training.data, "test")),
                start_level=spec.start_level,
            )
        case DiffusionSamplerSpec():
            assert isinstance(training.method.forward, NoiseForwardSpec)
            return DiffusionSampler(
                forward=build_noise_forward(training.method.forward, device),
                predict_noise=in_numerics(generator, training.numerics, device),
                latent=build_latent(training.generator.latent),
                event_shape=training.data.event_shape,
                kind=spec.kind,
                steps=spec.steps,
                clip=is_images(training.data),
            )
        case PythonPartSpec():
            return _own(spec, training, generator, device, parts)
        case _:
            assert_never(spec)


def _own(
    spec: PythonPartSpec,
    training: TrainingSpec,
    generator: Call,
    device: torch.device,
    parts: Parts,
) -> Sampler:
    return parts.make(
        spec,
        Sampler,
        field="sampler",
        forward=build_forward(training.method.forward, training.data, device, parts),
        network=in_numerics(generator, training.numerics, device),
        latent=build_latent(training.generator.latent),
        event_shape=training.data.event_shape,
    )


def _restoration(
    spec: RestorationSamplerSpec,
    training: TrainingSpec,
    generator: Call,
    device: torch.device,
    parts: Parts,
) -> RestorationSampler:
    return RestorationSampler(
        forward=build_forward(training.method.forward, training.data, device, parts),
        restore=in_numerics(generator, training.numerics, device),
        latent=build_latent(training.generator.latent),
        event_shape=training.data.event_shape,
        noise_factor=spec.noise_factor,
        transition=spec.transition,
    )


def build_solver(
    spec: SolverSpec,
    training: TrainingSpec | None,
    generator: Call | None,
    device: torch.device,
    parts: Parts = NO_PARTS,
) -> Solver:
    """A solver of inverse problems; formulas need neither training nor generator."""
    match spec:
        case FormulaSolverSpec(kind="pseudo_inverse"):
            return PseudoInverse()
        case FormulaSolverSpec():
            return Bicubic()
        case PlugAndPlaySpec():
            assert training is not None
            assert generator is not None
            return PlugAndPlay(
                forward=build_forward(training.method.forward, training.data, device, parts),
                restore=in_numerics(generator, training.numerics, device),
                latent=build_latent(training.generator.latent),
                relaxation=spec.relaxation,
                data_weight=spec.data_weight,
                iterations=spec.iterations,
                num_levels=spec.num_levels,
                noise_factor=spec.noise_factor,
            )
        case DdrmSpec():
            assert training is not None
            assert generator is not None
            return _ddrm(spec, training, generator, device)
        case _:
            assert_never(spec)


def _ddrm(spec: DdrmSpec, training: TrainingSpec, generator: Call, device: torch.device) -> Ddrm:
    assert isinstance(training.method.forward, NoiseForwardSpec)
    predict = in_numerics(generator, training.numerics, device)
    size = training.generator.latent.size

    def predict_noise(x: Tensor, level: Tensor) -> Tensor:
        return predict(x, level, torch.zeros(len(x), size, device=x.device))

    schedule = build_noise_forward(training.method.forward, device).schedule
    denoise = VariancePreservingDenoiser(schedule=schedule, predict=predict_noise, target="noise")
    return Ddrm(denoise=denoise, sigmas=denoise.sigmas(spec.steps), eta=spec.eta, etab=spec.etab)
