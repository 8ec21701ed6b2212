"""Operations of a training step: counted on a few samples, and true of a whole batch."""

from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from rgm_bench.build.training import build_training
from rgm_bench.config.spec import TrainingSpec, adversary_of
from rgm_bench.cost import OperationCount, step_flops
from tests.evaluation.conftest import CPU, DIGITS, NOISE, PLANE, ddpm

MLP = {
    "discriminator": {"kind": "mlp", "width": 8},
    "r1": {"weight": 0.02, "every_steps": 3},
    "learning_rate": 1e-3,
}
SMALL = MLP | {"discriminator": {"kind": "small", "base_channels": 2, "time_embedding": 8}}


def rgm(of, prior, **fields) -> TrainingSpec:
    method = {"kind": "rgm", "forward": NOISE, "fidelity_weight": 0.1, "prior": prior}
    return TrainingSpec.model_validate({**of, "method": method, **fields})


METHODS = {
    "kld": rgm(PLANE, {"kind": "kld"} | MLP),
    "no_penalty": rgm(PLANE, {"kind": "kld"} | MLP | {"r1": {"weight": 0.0, "every_steps": 3}}),
    "always_penalised": rgm(
        PLANE, {"kind": "kld"} | MLP | {"r1": {"weight": 0.02, "every_steps": 1}}
    ),
    "mmd": rgm(PLANE, {"kind": "mmd", "bandwidths": (1.0,)}),
    "feature_mmd": rgm(PLANE, {"kind": "feature_mmd"} | MLP),
    "dswd": rgm(PLANE, {"kind": "dswd", "num_directions": 8, "inner_steps": 2} | MLP),
    "none": rgm(PLANE, {"kind": "none"}),
    "mmse": TrainingSpec.model_validate(PLANE | {"method": {"kind": "mmse", "forward": NOISE}}),
    "ddpm": ddpm(PLANE),
    "images": rgm(DIGITS, {"kind": "kld"} | SMALL),
}


def counted(spec: TrainingSpec) -> float:
    """Of whole steps for one sample, their mean over a period of the lazy penalty."""
    training, adversary = build_training(spec, CPU), adversary_of(spec.method)
    period = adversary.r1.every_steps if adversary else 1
    training.step(training.draws.at(0), step=1, decay=1.0)  # makes what is kept from then on
    with OperationCount() as total:
        for step in range(period):
            training.step(training.draws.at(step), step=step, decay=1.0)
    return total.flops / period / spec.batch_size


@pytest.mark.parametrize("name", METHODS)
def test_the_count_is_that_of_whole_batches(name: str) -> None:
    assert step_flops(METHODS[name], CPU) == pytest.approx(counted(METHODS[name]), rel=1e-12)


@pytest.mark.parametrize("name", ["mmse", "ddpm", "none"])
def test_it_is_what_torch_counts(name: str) -> None:
    training = build_training(METHODS[name], CPU)
    with FlopCounterMode(display=False) as counter:
        training.step(training.draws.at(0), step=0, decay=1.0)
    assert step_flops(METHODS[name], CPU) == counter.get_total_flops() / METHODS[name].batch_size


def test_arms_that_differ_in_weight_seed_or_numerics_cost_the_same() -> None:
    base = METHODS["kld"]
    changes = [{"seed": 3}, {"numerics": {"accumulation": 2}}]
    for change in changes:
        other = TrainingSpec.model_validate(base.model_dump() | change)
        assert step_flops(other, CPU) == step_flops(base, CPU)
    heavier = base.method.model_copy(update={"fidelity_weight": 5.0})
    assert step_flops(base.model_copy(update={"method": heavier}), CPU) == step_flops(base, CPU)


def test_what_learns_more_costs_more() -> None:
    costs = [step_flops(METHODS[name], CPU) for name in ("none", "no_penalty", "kld")]
    costs.append(step_flops(METHODS["always_penalised"], CPU))
    assert all(less < more for less, more in pairwise(costs))


def test_imported_weights_cost_nothing() -> None:
    method = {"kind": "imported", "forward": NOISE, "sha256": "ab" * 32}
    assert step_flops(TrainingSpec.model_validate(PLANE | {"method": method}), CPU) == 0


def test_counting_changes_no_random_number() -> None:
    before = torch.get_rng_state()
    step_flops(rgm(PLANE, {"kind": "dswd", "num_directions": 9} | MLP), CPU)
    assert torch.equal(torch.get_rng_state(), before)
