"""How far our priors are from the published ones."""

from typing import Literal

import torch
from torch import Tensor

from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import logistic_loss, r1_penalty
from rgm_bench.priors.dswd import DirectionTransform, raise_distance, sliced_distance
from rgm_bench.priors.kld import kld_penalty
from rgm_bench.priors.mmd import mmd, squared_mmd
from tests.vectors import (
    Differences,
    difference,
    load,
    published_discriminator,
    two_threads,
    under,
)


def mmd_differences() -> Differences:
    tensors, config = load("priors")
    fake, real = tensors["input.fake"].clone().requires_grad_(), tensors["input.real"]
    bandwidths = [float(s) for s in config["mmd_bandwidths"]]
    squared = squared_mmd(fake, real, bandwidths)
    loss = mmd(fake, real, bandwidths)
    loss.backward()
    assert fake.grad is not None
    return {
        "value": difference(squared.detach(), tensors["mmd.squared_biased"]),
        "loss": difference(loss.detach(), tensors["mmd.loss"]),
        "gradient": difference(fake.grad, tensors["mmd.grad_fake"]),
    }


def dswd_differences() -> Differences:
    tensors, config = load("priors")
    settings = config["dswd"]
    fake, real = tensors["input.fake"].clone().requires_grad_(), tensors["input.real"]
    directions, rate = tensors["dswd.projections"], settings["transform_lr"]
    transform = _transform(under("dswd.transform_before.", tensors), directions)
    adam = Adam(
        transform,
        learning_rate=rate,
        final_learning_rate=rate,
        betas=tuple(settings["adam_betas"]),
    )
    raise_distance(
        transform,
        adam,
        fake=fake,
        real=real,
        directions=directions,
        num_steps=settings["inner_steps"],
        orthogonality_weight=float(settings["orthogonality_weight"]),
        power=float(settings["p"]),
    )
    expected = _transform(under("dswd.transform_after.", tensors), directions)
    pairs = zip(transform.parameters(), expected.parameters(), strict=True)
    moved = max(difference(found.detach(), published.detach()) for found, published in pairs)
    with torch.no_grad():
        slices = transform(directions)
    loss = sliced_distance(fake, real, slices, float(settings["p"]))
    loss.backward()
    assert fake.grad is not None
    return {
        "transform": moved,
        "loss": difference(loss.detach(), tensors["dswd.loss"]),
        "gradient": difference(fake.grad, tensors["dswd.grad_fake"]),
    }


def _transform(state: dict[str, Tensor], directions: Tensor) -> DirectionTransform:
    transform = DirectionTransform(directions.shape[1])
    transform.load_state_dict({k.replace("net.0", "linear"): v for k, v in state.items()})
    return transform


def kld_differences(size: Literal["small", "large"]) -> Differences:
    tensors, _ = load(f"discriminator_{size}")
    found = kld_penalty(tensors["output.logit"])
    return {"value": difference(found, tensors["output.generator_kld_loss_per_sample"])}


def adversary_differences(size: Literal["small", "large"]) -> Differences:
    tensors, config = load(f"discriminator_{size}")
    discriminator = published_discriminator(config, size)
    discriminator.load_state_dict(under("state.", tensors))
    x, level = tensors["input.x"].clone().requires_grad_(), tensors["input.t"]
    with two_threads():
        logits = discriminator(x, level)
        penalty = r1_penalty(logits, x, 0.02)
        penalty.backward()
    # the published files hold the loss of the same images taken as real and as fake
    both = logistic_loss(logits.detach(), logits.detach())
    gradients = {
        name: parameter.grad
        for name, parameter in discriminator.named_parameters()
        if f"output.r1_grad.{name}" in tensors
    }
    assert len(gradients) == sum(name.startswith("output.r1_grad.") for name in tensors)
    found = torch.cat([g.flatten() for g in gradients.values() if g is not None])
    expected = torch.cat([tensors[f"output.r1_grad.{name}"].flatten() for name in gradients])
    return {
        "loss": difference(both, tensors["output.loss_real"] + tensors["output.loss_fake"]),
        "value": difference(penalty.detach(), tensors["output.r1_gamma_0.02"]),
        "gradient": difference(found, expected),
    }
