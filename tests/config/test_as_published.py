"""The paper profiles are the paper's trainings and its solver, field by field."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
import torch

from rgm_bench.build.networks import build_networks
from rgm_bench.config.spec import PlugAndPlaySpec, TrainingSpec, adversary_of
from tests.config.shipped import OWN, arm, study, trainings, written

Fields: TypeAlias = dict[str, Any]

STEPS_AN_EPOCH = {"cifar10": 50_000 // 256, "celeba_hq_256": 24_183 // 32}

KLD: Fields = {
    "kind": "kld",
    "discriminator": {"kind": "small", "base_channels": 64, "time_embedding": 256},
    "r1": {"weight": 0.02, "every_steps": 15},
    "learning_rate": 1e-4,
}
DSWD: Fields = KLD | {
    "kind": "dswd",
    "num_directions": 1000,
    "inner_steps": 10,
    "inner_learning_rate": 1e-4,
    "orthogonality_weight": 10.0,
    "power": 2.0,
    "revision": 2,
}
NOISE: Fields = {"kind": "noise", "num_levels": 4, "schedule": "original"}
SPLIT_SR: Fields = {
    "kind": "super_resolution",
    "num_levels": 7,
    "order": "split",
    "schedule": "original",
}


def cifar10(*, forward: Fields, prior: Fields, epochs: int) -> Fields:
    return {
        "data": {
            "kind": "cifar10",
            "split": "train",
            "horizontal_flip": True,
            "subset": None,
            "fingerprint": None,
        },
        "method": {
            "kind": "rgm",
            "forward": forward,
            "fake": "resample",
            "fidelity_weight": 1e-3,
            "prior": prior,
        },
        "generator": {
            "kind": "ncsnpp",
            "base_channels": 128,
            "channel_multipliers": (1, 2, 2, 2),
            "blocks_per_level": 2,
            "attention_resolutions": (16,),
            "latent": {"kind": "gaussian", "size": 100, "embedding": 256, "layers": 4},
            "output": "tanh",
        },
        "optimizer": {
            "learning_rate": 1.6e-4,
            "betas": (0.5, 0.9),
            "decay": {
                "kind": "cosine",
                "horizon_images": 1800 * STEPS_AN_EPOCH["cifar10"] * 256,
                "final_learning_rate": 1e-5,
            },
        },
        "ema": {"decay": 0.9999},
        "images": epochs * STEPS_AN_EPOCH["cifar10"] * 256,
        "batch_size": 256,
        "numerics": {
            "precision": "float32",
            "compile": False,
            "channels_last": False,
            "accumulation": 1,
        },
    }


def celeba_hq_256() -> Fields:
    fields = cifar10(
        forward=NOISE,
        prior=KLD
        | {
            "discriminator": {"kind": "large", "base_channels": 64, "time_embedding": 256},
            "r1": {"weight": 2.0, "every_steps": 10},
        },
        epochs=0,
    )
    return fields | {
        "data": {"kind": "celeba_hq_256", "split": "train", "horizontal_flip": True},
        "method": fields["method"] | {"fidelity_weight": 5e-5},
        "generator": {
            "kind": "ncsnpp",
            "base_channels": 64,
            "channel_multipliers": (1, 1, 2, 2, 4, 4),
            "blocks_per_level": 2,
            "attention_resolutions": (16,),
            "latent": {"kind": "gaussian", "size": 100, "embedding": 256, "layers": 3},
            "output": "tanh",
        },
        "optimizer": {
            "learning_rate": 2e-4,
            "betas": (0.5, 0.9),
            "decay": {
                "kind": "cosine",
                "horizon_images": 700 * STEPS_AN_EPOCH["celeba_hq_256"] * 32,
                "final_learning_rate": 1e-5,
            },
        },
        "images": 650 * STEPS_AN_EPOCH["celeba_hq_256"] * 32,
        "batch_size": 32,
    }


PUBLISHED = {
    ("generation", "rgm_kld_t4"): cifar10(forward=NOISE, prior=KLD, epochs=1000),
    ("generation", "rgm_kld_sr"): cifar10(forward=SPLIT_SR, prior=KLD, epochs=1300),
    # the number of epochs is not given: 900 is the published code's default
    ("generation", "rgm_dswd_t4"): cifar10(forward=NOISE, prior=DSWD, epochs=900),
    ("ablation", "naive_sr"): cifar10(
        forward=SPLIT_SR | {"num_levels": 3, "order": "naive"}, prior=KLD, epochs=1300
    ),
    ("celeba_hq_256", "rgm_kld_t4"): celeba_hq_256(),
    # of it only the data are given
    ("lsun_church", "rgm_kld_t4"): celeba_hq_256()
    | {"data": {"kind": "lsun_church", "split": "train", "horizontal_flip": True}},
}


@pytest.mark.parametrize(("name", "label"), PUBLISHED)
def test_a_training_has_every_setting_of_the_paper(name: str, label: str):
    found = arm(name, "paper", label).model_dump()
    assert found.pop("seed") in study(name, "paper").seeds
    assert found == PUBLISHED[name, label]


# --- the networks -----------------------------------------------------------------------------

PARAMETERS = {
    "cifar10": (48_432_515, 12_741_249),
    "celeba_hq_256": (39_726_979, 27_736_833),
    "lsun_church": (39_726_979, 27_736_833),
}


def parameters(spec: TrainingSpec) -> tuple[int, int | None]:
    """Of the generator and of the discriminator, if there is one, without memory for them."""
    meta = torch.device("meta")
    with meta:
        generator, discriminator = build_networks(spec, meta)
    counts = [
        net and sum(p.numel() for p in net.parameters()) for net in (generator, discriminator)
    ]
    return counts[0] or 0, counts[1]


@pytest.mark.parametrize("name", [n for n in OWN if "paper" in written(n)["profiles"]])
def test_every_network_of_a_paper_profile_has_the_published_size(name: str):
    built: dict[str, TrainingSpec] = {}
    for spec in trainings(name, "paper").values():
        if spec.data.kind in PARAMETERS:
            adversary = adversary_of(spec.method)
            networks = (spec.data.kind, spec.generator, adversary and adversary.discriminator)
            built.setdefault(repr(networks), spec)
    assert built or name == "toy_priors"
    for spec in built.values():
        generator, discriminator = parameters(spec)
        expected = PARAMETERS[spec.data.kind]
        assert generator == expected[0]
        assert discriminator in (None, expected[1])


@pytest.mark.parametrize(("name", "label"), PUBLISHED)
def test_a_published_training_has_both_networks(name: str, label: str):
    spec = arm(name, "paper", label)
    assert parameters(spec) == PARAMETERS[spec.data.kind]


# --- the solver -------------------------------------------------------------------------------

SHARPER: Fields = {
    "kind": "plug_and_play",
    "relaxation": 0.05,
    "data_weight": 10.0,
    "iterations": 40,
    "num_levels": 1,
    "noise_factor": 0.99,
}
COLOUR: Fields = SHARPER | {
    "relaxation": 0.5,
    "data_weight": 5.0,
    "iterations": 20,
    "num_levels": 2,
}
# x2 has no published settings: it is solved with those of x4 and x8
SOLVERS = {"sr_x2": SHARPER, "sr_x4": SHARPER, "sr_x8": SHARPER, "colorization": COLOUR}


def solvers(name: str, profile: str) -> Iterator[tuple[str, Fields, Fields]]:
    """Every published problem that a study solves with plug-and-play, its solver and operator.

    Without the arm whose solver takes one more level on purpose.
    """
    for trial in study(name, profile).trials:
        measure = trial.spec.measure
        if measure.kind == "restore" and isinstance(measure.solver, PlugAndPlaySpec):
            problem = measure.problem.model_dump()
            if trial.evaluation in SOLVERS and trial.labels.get("arm") != "rgm_sr_halving":
                yield trial.evaluation, measure.solver.model_dump(), problem


@pytest.mark.parametrize(
    ("name", "profile", "problems"),
    [
        ("inverse", "laptop", {"sr_x2", "sr_x4", "sr_x8", "colorization"}),
        ("inverse", "paper", {"sr_x2", "sr_x4", "sr_x8", "colorization"}),
        ("celeba_hq_256", "paper", {"colorization"}),
        ("lsun_church", "paper", {"sr_x4", "colorization"}),
    ],
)
def test_the_solver_has_every_setting_of_the_paper(name: str, profile: str, problems: set[str]):
    found = list(solvers(name, profile))
    assert {problem for problem, _, _ in found} == problems
    for evaluation, solver, problem in found:
        assert solver == SOLVERS[evaluation]
        assert problem["noise_std"] == 0
        if evaluation != "colorization":
            factor = int(evaluation.removeprefix("sr_x"))
            assert problem["operator"] == {"kind": "block_average", "factor": factor}
