"""How far our operators and Douglas-Rachford iterations are from the published ones."""

import torch

from rgm_bench.forward.noise import NoiseForward
from rgm_bench.inverse.plug_and_play import PlugAndPlay
from rgm_bench.inverse.problems import (
    InverseProblem,
    colorization,
    denoising,
    super_resolution,
)
from rgm_bench.models.latent import LatentDistribution
from tests.vectors import Differences, difference, load, published_generator, under

PROBLEMS: dict[str, InverseProblem] = {
    "sr2": super_resolution(2),
    "sr4": super_resolution(4),
    "color": colorization(),
    "deno": denoising(0.0),
}


def operator_differences(task: str) -> Differences:
    tensors, _ = load("inverse")
    operator = PROBLEMS[task].operator
    y = operator.apply(tensors["input.x"])
    prox = operator.prox(tensors["input.v"], y, 0.7)
    return {
        "A x": difference(y.flatten(1), tensors[f"{task}.Ax"]),
        "adjoint": difference(operator.adjoint(y), tensors[f"{task}.At_Ax"]),
        "pseudo-inverse": difference(operator.pseudo_inverse(y), tensors[f"{task}.pinv_Ax"]),
        "prox": difference(prox, tensors[f"{task}.prox_lmbda_0.7_of_v"]),
    }


def start_differences(task: str) -> Differences:
    tensors, _ = load("inverse")
    problem, x0 = PROBLEMS[task], tensors["input.x"]
    y = problem.observe(x0, problem.draw_noise(x0, torch.Generator()))
    return {
        "measurement": difference(y.flatten(1), tensors[f"{task}.Ax"]),
        "start": difference(problem.lift(y), tensors[f"{task}.drs_start"]),
    }


def douglas_rachford_differences(task: str) -> Differences:
    """After four iterations: relative in the L2 norm, and of the largest pixel, absolute."""
    tensors, config = load("inverse")
    weights, sizes = load("generator_16px")
    network = published_generator(sizes)
    network.load_state_dict(under("state.", weights))
    published = config["drs"]
    solver = PlugAndPlay(
        forward=NoiseForward(4),
        restore=network,
        latent=LatentDistribution(size=sizes["nz"], zeros=True),
        relaxation=published["relaxation_alpha"],
        data_weight=published["prox_weight"],
        iterations=published["iterations"],
        num_levels=published["levels_per_iteration"],
        noise_factor=float(published["noise_factor"]),
    )
    problem = PROBLEMS[task]
    y = problem.operator.apply(tensors["input.x"])
    x = solver.restore(problem, y, torch.Generator().manual_seed(0))
    expected = tensors[f"{task}.drs_result"]
    error = x - expected
    return {
        "L2": (error.norm() / expected.norm()).item(),
        "largest pixel": error.abs().max().item(),
    }
