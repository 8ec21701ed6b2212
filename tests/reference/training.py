"""How far three whole training steps with given draws are from the published ones."""

import torch
from torch import nn

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.models.ema import moving_average
from rgm_bench.objectives import ResampleObjective
from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.base import Prior
from rgm_bench.priors.kld import KldPrior
from rgm_bench.priors.mmd import FeatureMmdPrior
from rgm_bench.training.draws import Draws, HalfStepDraws
from rgm_bench.training.step import RestorationStep
from tests.vectors import Differences, load, published_discriminator, published_generator, under

STEPS, DRAWS_OF_A_STEP = 3, 11


def update_difference(network: nn.Module, before: dict, after: dict) -> float:
    """How far our update is from the published one, relative to its norm, over all parameters.

    Adam turns a tiny difference in a near-zero gradient into a full step, so networks are
    compared whole.
    """
    state = network.state_dict()
    ours = torch.cat([(state[name] - before[name]).flatten() for name in before])
    theirs = torch.cat([(after[name] - before[name]).flatten() for name in before])
    return ((ours - theirs).norm() / theirs.norm()).item()


def draws_of(step: int, tensors: dict) -> Draws:
    names = sorted(name for name in tensors if name.startswith("draw."))
    drawn = [tensors[name] for name in names[step * DRAWS_OF_A_STEP :][:DRAWS_OF_A_STEP]]
    x0, level, noise, noise_next, latent, noise_fake, *second = drawn
    prior = HalfStepDraws(level, noise, noise_next, latent, noise_fake)
    latent, level, noise, noise_next, noise_fake = second
    return Draws(x0, prior, HalfStepDraws(level, noise, noise_next, latent, noise_fake))


def prior_of(kind: str, adversary: Adversary, config: dict) -> Prior:
    if kind == "kld":
        return KldPrior(adversary=adversary)
    return FeatureMmdPrior(adversary=adversary, bandwidths=[float(s) for s in config["sigma_list"]])


def training_differences(kind: str, accumulation: int = 1) -> Differences:
    """Of three whole steps, in generator, average and discriminator."""
    tensors, config = load(f"training_{kind}_noise")
    generator = published_generator(config)
    discriminator = published_discriminator(config, "small")
    before = {
        "generator": under("NCSNpp.before.", tensors),
        "discriminator": under("Discriminator_small.before.", tensors),
    }
    generator.load_state_dict(before["generator"])
    discriminator.load_state_dict(before["discriminator"])
    betas = (config["beta1"], config["beta2"])
    adversary = Adversary(
        discriminator=discriminator,
        optimizer=Adam(
            discriminator, learning_rate=config["lr_d"], final_learning_rate=1e-5, betas=betas
        ),
        r1_weight=config["r1_gamma"],
        r1_every=config["lazy_reg"],
        accumulation=accumulation,
    )
    prior = prior_of(kind, adversary, config)
    forward = NoiseForward(config["num_timesteps"], config["discrete_type"])
    ema = moving_average(generator, decay=config["ema_decay"])
    step = RestorationStep(
        generator=generator,
        restore=generator,
        ema=ema,
        optimizer=Adam(
            generator, learning_rate=config["lr_g"], final_learning_rate=1e-5, betas=betas
        ),
        forward=forward,
        objective=ResampleObjective(forward=forward, prior=prior, fidelity_weight=config["lmbda"]),
        accumulation=accumulation,
    )
    for number in range(STEPS):
        step(draws_of(number, tensors), step=number, decay=1.0)
    after = {
        name: under(f"{prefix}.", tensors)
        for name, prefix in (
            ("generator", "NCSNpp.after"),
            ("average", "NCSNpp.ema"),
            ("discriminator", "Discriminator_small.after"),
        )
    }
    return {
        "generator": update_difference(generator, before["generator"], after["generator"]),
        "average": update_difference(ema.module, before["generator"], after["average"]),
        "discriminator": update_difference(
            discriminator, before["discriminator"], after["discriminator"]
        ),
    }
