"""Evaluations of the network and operations, as counted while a measurement runs."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.flop_counter import FlopCounterMode

from rgm_bench.build.networks import build_generator
from rgm_bench.cost import restoration_flops
from rgm_bench.models.ncsnpp import Ncsnpp
from rgm_bench.models.toy import ToyGenerator
from rgm_bench.plan import network_evaluations
from tests.evaluation.conftest import CPU, DIGITS, PLANE, ddpm, digits, measured, plane

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Calls:
    """How many samples the generator was asked about."""

    samples = 0


@pytest.fixture
def calls() -> Iterator[Calls]:
    found = Calls()

    def count(module: torch.nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(module, Ncsnpp | ToyGenerator):
            found.samples += len(output)

    hook = register_module_forward_hook(count)
    yield found
    hook.remove()


def points(**sampler):
    # a whole block: of a part of one, all is computed
    return {"kind": "points", "sampler": sampler, "num_points": 256}


def restore(**solver):
    problem = {"operator": {"kind": "block_average", "factor": 2}, "noise_std": 0.1}
    return {"kind": "restore", "problem": problem, "solver": solver, "num_images": 8}


def plug_and_play(iterations: int, num_levels: int):
    return restore(
        kind="plug_and_play",
        relaxation=0.1,
        data_weight=1.0,
        iterations=iterations,
        num_levels=num_levels,
    )


DIVERSITY = {"kind": "latent_diversity", "level": 2, "num_images": 8, "num_latents": 5}

MEASURES = {
    "restoration": (plane(), points(kind="restoration"), 4),
    "ancestral_restoration": (plane(), points(kind="restoration", transition="ancestral"), 4),
    "deterministic": (plane(), points(kind="restoration", transition="deterministic"), 4),
    "one_shot": (plane(), points(kind="one_shot", start_level=3), 1),
    "ancestral": (ddpm(PLANE), points(kind="ancestral", steps=24), 24),
    "fewer_ancestral": (ddpm(PLANE), points(kind="ancestral", steps=5), 5),
    "ddim": (ddpm(PLANE), points(kind="ddim", steps=6), 6),
    "dpm_solver": (ddpm(PLANE), points(kind="dpm_solver", steps=7), 7),
    "plug_and_play": (digits(), plug_and_play(3, 2), 6),
    "ddrm": (ddpm(DIGITS), restore(kind="ddrm", steps=5), 5),
    "latent_diversity": (digits(), DIVERSITY, 5),
}


@pytest.mark.parametrize("name", MEASURES)
def test_evaluations_of_the_network(evaluate, place_of, calls: Calls, name: str) -> None:
    training, measure, expected = MEASURES[name]
    spec = measured(training, measure)
    place = place_of(spec)
    # training calls it too, and so does the count of operations, once a process
    restoration_flops(training.generator, training.data.event_shape, CPU)
    calls.samples = 0
    assert evaluate(spec, **vars(place)).cost["nfe"] == expected
    assert calls.samples == expected * spec.measure.count
    assert network_evaluations(spec.measure, training) == expected


@pytest.mark.parametrize("training", [digits(), plane()])
def test_operations_of_a_measurement_are_those_of_its_evaluations(evaluate, training) -> None:
    measure = DIVERSITY if training == digits() else points(kind="restoration")
    spec = measured(training, measure)
    generator, shape = training.generator, training.data.event_shape
    network = build_generator(generator, shape)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        level = torch.zeros(8, dtype=torch.int64)
        network(torch.zeros(8, *shape), level, torch.zeros(8, generator.latent.size))
    one = counter.get_total_flops() / 8
    assert restoration_flops(generator, shape, CPU) == one > 0
    cost = evaluate(spec).cost
    assert cost["flops"] == one * cost["nfe"] * spec.measure.count
