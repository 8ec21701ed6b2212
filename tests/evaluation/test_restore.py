"""Restored images against the originals."""

from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.build.sampling import build_solver
from rgm_bench.config.spec import RealSplitSource
from rgm_bench.data.images import load_images, to_uint8, to_unit_range
from rgm_bench.errors import DataError
from rgm_bench.evaluation.base import first_of
from rgm_bench.evaluation.model import load_generator
from rgm_bench.evaluation.restore import MAX_PSNR
from rgm_bench.forward.operators import BlockAverage
from rgm_bench.inverse.baselines import Bicubic, PseudoInverse
from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.metrics.pixel import psnr, ssim
from rgm_bench.rng import generator
from tests.evaluation.conftest import CPU, DIGITS, ddpm, digits, measured, real

TEST = {"kind": "digits", "split": "test"}
BLOCKS = {"operator": {"kind": "block_average", "factor": 2}, "noise_std": 0.1}
PNP = {
    "kind": "plug_and_play",
    "relaxation": 0.1,
    "data_weight": 1.0,
    "iterations": 2,
    "num_levels": 2,
}


def restore(solver, problem=BLOCKS, num: int = 300, **fields):
    return {"kind": "restore", "problem": problem, "solver": solver, "num_images": num} | fields


def by_hand(solver, num: int = 300, seed: int = 0) -> dict[str, float]:
    """Every block measured and restored, with draws of its own."""
    problem = InverseProblem(operator=BlockAverage(2), noise_std=0.1, name="blocks")
    x0 = to_unit_range(load_images(kind="digits", split="test")[:num])
    restored = []
    for number, part in enumerate(x0.split(256)):
        size = problem.operator.apply(part).shape
        noise = torch.randn(size, generator=generator(CPU, seed, "measurement", number))
        y = problem.operator.apply(part) + 0.1 * noise
        restored.append(solver.restore(problem, y, generator(CPU, seed, "block", number)))
    whole = torch.cat(restored)
    scores = {"psnr": psnr(whole, x0).mean().item(), "ssim": ssim(whole, x0).mean().item()}
    return {f"{name}.pixels.n{num}": value for name, value in scores.items()}


@pytest.mark.parametrize(
    ("kind", "solver"), [("pseudo_inverse", PseudoInverse()), ("bicubic", Bicubic())]
)
def test_a_formula_needs_no_training_and_is_what_it_computes(evaluate, kind, solver) -> None:
    spec = real(TEST, restore({"kind": kind}))
    outcome = evaluate(spec)
    assert outcome.status == "ok"
    assert outcome.metrics == pytest.approx(by_hand(solver), rel=1e-6)
    assert outcome.images == 0
    assert "nfe" not in outcome.cost


@pytest.mark.parametrize("seed", [0, 1])
def test_plug_and_play_is_what_its_solver_computes(evaluate, place_of, seed) -> None:
    spec = measured(digits(), restore(PNP), seed=seed)
    network = load_generator(spec.source.training, place_of(spec).weights, CPU)
    solver = build_solver(spec.measure.solver, spec.source.training, network, CPU)
    assert evaluate(spec).metrics == pytest.approx(by_hand(solver, seed=seed), rel=1e-6)


def pictures(folder) -> dict[str, bytes]:
    return {
        name: np.asarray(Image.open(folder / f"{name}.png")).tobytes()
        for name in ("original", "degraded", "grid")
    }


def test_all_solvers_of_a_seed_see_the_same_measurements(evaluate, tmp_path) -> None:
    """And those of another seed others, of the same originals."""
    solvers = {
        "formula": lambda seed: real(TEST, restore({"kind": "bicubic"}, num=64), seed),
        "rgm": lambda seed: measured(digits(), restore(PNP, num=64), seed=seed),
        "ddpm": lambda seed: measured(
            ddpm(DIGITS), restore({"kind": "ddrm", "steps": 3}, num=64), seed=seed
        ),
    }
    seen = {}
    for name, seed in product(solvers, (0, 1)):
        evaluate(solvers[name](seed), folder=tmp_path / f"{name}{seed}")
        seen[name, seed] = pictures(tmp_path / f"{name}{seed}")
    originals, degraded, grids = (
        [{seen[name, seed][picture] for name in solvers} for seed in (0, 1)]
        for picture in ("original", "degraded", "grid")
    )
    assert [len(set_) for set_ in originals] == [len(set_) for set_ in degraded] == [1, 1]
    assert originals[0] == originals[1]
    assert degraded[0].isdisjoint(degraded[1])
    assert [len(set_) for set_ in grids] == [3, 3]


def test_the_pictures_are_the_first_images(evaluate, tmp_path) -> None:
    problem = {"operator": {"kind": "block_average", "factor": 2}}
    evaluate(real(TEST, restore({"kind": "pseudo_inverse"}, problem, 64)), folder=tmp_path)
    images = load_images(kind="digits", split="test")[:64]
    means = torch.nn.functional.avg_pool2d(to_unit_range(images), 2)
    lifted = to_uint8(means.repeat_interleave(2, 2).repeat_interleave(2, 3))
    for name, expected in (("original", images), ("degraded", lifted), ("grid", lifted)):
        found = np.asarray(Image.open(tmp_path / f"{name}.png"))[::4, ::4]
        rows = expected.reshape(8, 8, 8, 8).permute(0, 2, 1, 3).reshape(64, 64)
        assert np.array_equal(found, rows.numpy()), name


def test_a_problem_without_noise_has_no_chance_in_a_formula(evaluate) -> None:
    problem = {"operator": {"kind": "inpainting", "hidden": 0.3}}
    first, other = (
        evaluate(real(TEST, restore({"kind": "pseudo_inverse"}, problem), seed)) for seed in (0, 1)
    )
    assert first.metrics == other.metrics


def test_exact_images_count_with_a_bound(evaluate) -> None:
    """One infinite number of decibels would make the mean infinite, which no file can hold."""
    problem = {"operator": {"kind": "identity"}, "noise_std": 1e-12}
    outcome = evaluate(real(TEST, restore({"kind": "pseudo_inverse"}, problem)))
    assert outcome.metrics == {"psnr.pixels.n300": MAX_PSNR, "ssim.pixels.n300": 1.0}


def test_images_are_those_of_the_split(evaluate) -> None:
    train, test = (
        evaluate(real(TEST, restore({"kind": "bicubic"}, split=split)))
        for split in ("train", "test")
    )
    assert train.metrics != test.metrics


def test_the_source_of_a_formula_is_data_and_no_training() -> None:
    assert isinstance(real(TEST, restore({"kind": "bicubic"})).source, RealSplitSource)


def test_more_images_than_a_folder_has_are_refused() -> None:
    with pytest.raises(DataError, match="11 test images were asked for, and there are 10"):
        first_of(torch.zeros(10, 1, 8, 8), 11, "test")
    assert len(first_of(torch.zeros(10, 1, 8, 8), 10, "test")) == 10
