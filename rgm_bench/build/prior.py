"""Priors."""

from typing import assert_never

import torch
from torch import nn

from rgm_bench.build.networks import in_numerics
from rgm_bench.config.parts import Parts
from rgm_bench.config.spec import (
    AdversarySpec,
    DswdPriorSpec,
    FeatureMmdPriorSpec,
    KldPriorSpec,
    MmdPriorSpec,
    NoPriorSpec,
    PriorSpec,
    PythonPartSpec,
    RgmSpec,
    TrainingSpec,
)
from rgm_bench.errors import StudyError
from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.toy import ToyDiscriminator
from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.base import Prior
from rgm_bench.priors.dswd import DirectionTransform, DswdPrior
from rgm_bench.priors.kld import KldPrior
from rgm_bench.priors.mmd import FeatureMmdPrior, FixedMmdPrior
from rgm_bench.priors.none import NoPrior
from rgm_bench.ranks import ALONE, Ranks
from rgm_bench.rng import derive_seed


def build_prior(
    training: TrainingSpec,
    discriminator: nn.Module | None,
    device: torch.device,
    parts: Parts,
    ranks: Ranks = ALONE,
) -> Prior:
    """The prior of an RGM training.

    Args:
        training: whose method is RGM.
        discriminator: with its first weights; None for priors without one.
        device: where all of it lives.
        parts: classes of the user's own.
        ranks: the processes that share the training.

    Raises:
        StudyError: a class of the user's own does not go with parts of a batch.
    """
    assert isinstance(training.method, RgmSpec)
    spec: PriorSpec = training.method.prior
    match spec:
        case KldPriorSpec():
            return KldPrior(adversary=_adversary(training, spec, discriminator, device, ranks))
        case MmdPriorSpec():
            return FixedMmdPrior(bandwidths=spec.bandwidths)
        case FeatureMmdPriorSpec():
            adversary = _adversary(training, spec, discriminator, device, features=True)
            return FeatureMmdPrior(adversary=adversary, bandwidths=spec.bandwidths)
        case DswdPriorSpec():
            _require_present_revision(spec)
            adversary = _adversary(training, spec, discriminator, device, features=True)
            return _dswd(training, spec, adversary, device)
        case NoPriorSpec():
            return NoPrior()
        case PythonPartSpec():
            return _own(training, spec, device, parts, ranks)
        case _:
            assert_never(spec)


def _own(
    training: TrainingSpec,
    spec: PythonPartSpec,
    device: torch.device,
    parts: Parts,
    ranks: Ranks,
) -> Prior:
    with torch.random.fork_rng(devices=[]):
        # a prior that learns draws the first weights of its networks where it is made
        torch.manual_seed(derive_seed(training.seed, "prior"))
        prior = parts.make(spec, Prior, field="method.prior")
    splits = {
        "numerics.accumulation": training.numerics.accumulation,
        "resources.processes": ranks.num,
    }
    for field, number in splits.items():
        if number > 1 and not prior.additive:
            raise StudyError(
                f"{field}: {number} splits batches, and {spec.name} compares whole ones: use 1, or "
                "say `additive = True` in the class if the mean over parts is the same"
            )
    if ranks.num > 1 and prior.learns:
        raise StudyError(
            f"resources.processes: {ranks.num} processes do not share what {spec.name} learns, "
            "each from its part of a batch: use 1"
        )
    for network in prior.networks:
        network.to(device)
    return prior


def _require_present_revision(spec: DswdPriorSpec) -> None:
    present = DswdPriorSpec.model_fields["revision"].default
    if spec.revision != present:
        raise StudyError(
            f"method.prior: revision {spec.revision} of {spec.kind} cannot be computed any more, "
            f"only its results be read; load the study from its file for revision {present}"
        )


def build_adam(
    training: TrainingSpec, network: nn.Module, learning_rate: float, ranks: Ranks = ALONE
) -> Adam:
    """Adam over a network, with the betas and the last rate of a training."""
    return Adam(
        network,
        learning_rate=learning_rate,
        final_learning_rate=training.optimizer.decay.final_learning_rate,
        betas=training.optimizer.betas,
        ranks=ranks,
    )


def _adversary(
    training: TrainingSpec,
    spec: AdversarySpec,
    discriminator: nn.Module | None,
    device: torch.device,
    ranks: Ranks = ALONE,
    *,
    features: bool = False,
) -> Adversary:
    assert isinstance(discriminator, Discriminator | ToyDiscriminator)
    numerics = training.numerics
    return Adversary(
        discriminator=discriminator,
        optimizer=build_adam(training, discriminator, spec.learning_rate, ranks),
        r1_weight=spec.r1.weight,
        r1_every=spec.r1.every_steps,
        accumulation=numerics.accumulation,
        classify=in_numerics(discriminator, numerics, device),
        extract=in_numerics(discriminator.features, numerics, device) if features else None,
    )


def _dswd(
    training: TrainingSpec, spec: DswdPriorSpec, adversary: Adversary, device: torch.device
) -> DswdPrior:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(training.seed, "directions"))
        transform = DirectionTransform(adversary.feature_size(training.data.event_shape))
    transform.to(device)
    return DswdPrior(
        adversary=adversary,
        transform=transform,
        optimizer=build_adam(training, transform, spec.inner_learning_rate),
        num_directions=spec.num_directions,
        inner_steps=spec.inner_steps,
        orthogonality_weight=spec.orthogonality_weight,
        power=spec.power,
        seed=training.seed,
    )
