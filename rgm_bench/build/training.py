"""Trainings."""

from typing import Literal, assert_never

import torch

from rgm_bench.build.data import build_data
from rgm_bench.build.degradation import build_forward, build_noise_forward
from rgm_bench.build.networks import build_latent, build_networks, in_numerics
from rgm_bench.build.prior import build_adam, build_prior
from rgm_bench.config.parts import NO_PARTS, Parts
from rgm_bench.config.spec import (
    DdpmSpec,
    ImportedSpec,
    MmseSpec,
    NoiseForwardSpec,
    RgmSpec,
    TrainingSpec,
    processes_misfit,
)
from rgm_bench.errors import StudyError
from rgm_bench.models.ema import moving_average
from rgm_bench.objectives import MapObjective, PosteriorObjective, ResampleObjective
from rgm_bench.priors.base import Prior
from rgm_bench.ranks import ALONE, Ranks
from rgm_bench.training.base import TrainingStep
from rgm_bench.training.draws import DrawSource
from rgm_bench.training.loop import Training
from rgm_bench.training.regression import RegressionStep
from rgm_bench.training.step import RestorationStep
from rgm_bench.types import ByteImage, Sample

MAX_BYTES_ON_DEVICE = 2 * 2**30
"""Data sets up to this size are moved to the device whole; of larger ones, batches are."""


def build_training(
    spec: TrainingSpec, device: torch.device, parts: Parts = NO_PARTS, ranks: Ranks = ALONE
) -> Training:
    """A training at its start, networks on `device`.

    Raises:
        StudyError: it cannot be shared by as many processes as `ranks` says.
    """
    misfit = processes_misfit(spec, ranks.num)
    if misfit is not None:
        raise StudyError(f"resources.processes: {misfit}")
    step = build_step(spec, device, parts, ranks)
    data = _near(build_data(spec.data), device)
    return Training(
        step=step,
        draws=build_draws(spec, step, data, spec.batch_size, device, ranks),
        steps=spec.steps,
        horizon_images=spec.optimizer.decay.horizon_images,
    )


def build_draws(
    spec: TrainingSpec,
    step: TrainingStep,
    data: ByteImage | Sample,
    batch_size: int,
    device: torch.device,
    ranks: Ranks = ALONE,
) -> DrawSource:
    """The draws of the steps of a training, in batches of `data`."""
    return DrawSource(
        data,
        device=device,
        batch_size=batch_size,
        seed=spec.seed,
        horizontal_flip=spec.data.horizontal_flip,
        num_levels=spec.num_levels,
        one_level_per_penalty=isinstance(step, RestorationStep)
        and step.objective.prior.one_level_per_penalty,
        latent=build_latent(spec.generator.latent),
        ranks=ranks,
    )


def build_step(
    spec: TrainingSpec, device: torch.device, parts: Parts = NO_PARTS, ranks: Ranks = ALONE
) -> TrainingStep:
    """What one step of a training does, its networks on `device` with their first weights.

    Raises:
        StudyError: the training is of imported weights, which are never trained here.
    """
    match spec.method:
        case RgmSpec():
            return _restoration_step(spec, spec.method, device, parts, ranks)
        case MmseSpec():
            return _regression_step(spec, "data", device, parts, ranks)
        case DdpmSpec():
            return _regression_step(spec, "noise", device, parts, ranks)
        case ImportedSpec():
            raise StudyError(
                f"the weights {spec.method.sha256[:12]} are not in the store; "
                "`rgm-bench import-official FILE --preset NAME` puts them there"
            )
        case _:
            assert_never(spec.method)


def _near(data: ByteImage | Sample, device: torch.device) -> ByteImage | Sample:
    return data.to(device) if data.nbytes <= MAX_BYTES_ON_DEVICE else data


def _restoration_step(
    spec: TrainingSpec, method: RgmSpec, device: torch.device, parts: Parts, ranks: Ranks
) -> RestorationStep:
    generator, discriminator = build_networks(spec, device)
    prior = build_prior(spec, discriminator, device, parts, ranks)
    return RestorationStep(
        generator=generator,
        restore=in_numerics(generator, spec.numerics, device),
        ema=moving_average(generator, decay=spec.ema.decay),
        optimizer=build_adam(spec, generator, spec.optimizer.learning_rate, ranks),
        forward=build_forward(method.forward, spec.data, device, parts),
        objective=_objective(spec, method, prior, device, parts),
        accumulation=spec.numerics.accumulation,
    )


def _regression_step(
    spec: TrainingSpec,
    target: Literal["data", "noise"],
    device: torch.device,
    parts: Parts,
    ranks: Ranks,
) -> RegressionStep:
    generator, _ = build_networks(spec, device)
    return RegressionStep(
        generator=generator,
        predict=in_numerics(generator, spec.numerics, device),
        ema=moving_average(generator, decay=spec.ema.decay),
        optimizer=build_adam(spec, generator, spec.optimizer.learning_rate, ranks),
        forward=build_forward(spec.method.forward, spec.data, device, parts),
        target=target,
        accumulation=spec.numerics.accumulation,
    )


def _objective(
    spec: TrainingSpec, method: RgmSpec, prior: Prior, device: torch.device, parts: Parts
) -> MapObjective:
    weight = method.fidelity_weight
    match method.fake:
        case "resample":
            forward = build_forward(method.forward, spec.data, device, parts)
            return ResampleObjective(forward=forward, prior=prior, fidelity_weight=weight)
        case "posterior":
            assert isinstance(method.forward, NoiseForwardSpec)
            noise = build_noise_forward(method.forward, device)
            return PosteriorObjective(forward=noise, prior=prior, fidelity_weight=weight)
        case _:
            assert_never(method.fake)
