"""How far our networks are from the published ones."""

from typing import Literal

import torch

from rgm_bench.models.official import load_into
from rgm_bench.models.toy import ToyDiscriminator, ToyGenerator
from tests.vectors import (
    Differences,
    difference,
    load,
    published_discriminator,
    published_generator,
    two_threads,
    under,
)


def generator_differences() -> Differences:
    tensors, config = load("generator_16px")
    generator = published_generator(config)
    load_into(generator, under("state.", tensors))
    x = tensors["input.x"].clone().requires_grad_()
    x0 = generator(x, tensors["input.t"], tensors["input.z"])
    x0.square().sum().backward()
    assert x.grad is not None
    return {
        "value": difference(x0.detach(), tensors["output.x0"]),
        "gradient": difference(x.grad, tensors["output.grad_x_of_sum_square"]),
    }


def discriminator_differences(size: Literal["small", "large"]) -> Differences:
    tensors, config = load(f"discriminator_{size}")
    discriminator = published_discriminator(config, size)
    load_into(discriminator, under("state.", tensors))
    x, level = tensors["input.x"].clone().requires_grad_(), tensors["input.t"]
    with two_threads():
        features, logits = discriminator.features(x, level), discriminator(x, level)
        (gradient,) = torch.autograd.grad(logits.sum(), x)
    return {
        "features": difference(features.detach(), tensors["output.features"]),
        "value": difference(logits.detach(), tensors["output.logit"]),
        "gradient": difference(gradient, tensors["output.grad_x"]),
    }


def toy_differences() -> Differences:
    tensors, _ = load("toy")
    generator, discriminator = ToyGenerator(), ToyDiscriminator()
    generator.load_state_dict(under("generator.", tensors))
    discriminator.load_state_dict(under("discriminator.", tensors))
    x, level, z = (tensors[f"input.{name}"] for name in "xtz")
    expected = tensors["output.discriminator"][:, 0]
    return {
        "generator": difference(generator(x, level, z).detach(), tensors["output.generator"]),
        "discriminator": difference(discriminator(x, level).detach(), expected),
    }
