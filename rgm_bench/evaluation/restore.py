"""Restored images against their originals, pixel by pixel."""

from rgm_bench.build.data import build_images
from rgm_bench.build.degradation import build_problem
from rgm_bench.build.sampling import build_solver
from rgm_bench.config.spec import EvaluationSpec, RestoreSpec, TrainingSource, other_split
from rgm_bench.data.images import to_uint8, to_unit_range
from rgm_bench.evaluation.base import Measured, Place, first_of, require_finite
from rgm_bench.evaluation.model import load_generator
from rgm_bench.evaluation.pictures import save_grid
from rgm_bench.inverse.base import Solver
from rgm_bench.inverse.problems import InverseProblem
from rgm_bench.metrics.pixel import psnr, ssim
from rgm_bench.metrics.scores import Scores
from rgm_bench.rng import generator
from rgm_bench.sampling.blocks import BLOCK
from rgm_bench.types import Image

MAX_PSNR = 100.0
"""Decibels that an image counts which is restored exactly: infinitely many would hide all others.

Far above any other: an error of one of 255 grey values in every pixel is 48 decibels.
"""


def measure_restoration(spec: EvaluationSpec, measure: RestoreSpec, place: Place) -> Measured:
    """PSNR and SSIM, means over images, with at most `MAX_PSNR` decibels an image.

    Leaves `original.png`, `degraded.png` (lifted to the size of an image) and `grid.png`. The noise
    of a measurement depends on the seed alone, so all solvers see the same measurements.

    Raises:
        DivergedError: a restored image is not finite.
    """
    whole = build_images(other_split(spec.data, measure.split))
    images = first_of(whole, measure.num_images, measure.split)
    problem = build_problem(measure.problem, spec.data, place.device, place.parts)
    solver = _solver(spec, measure, place)
    scores: dict[str, float] = {"psnr": 0.0, "ssim": 0.0}
    for first in range(0, len(images), BLOCK):
        x0 = to_unit_range(images[first : first + BLOCK]).to(place.device)
        restored = _restored(problem, solver, x0, spec, first // BLOCK, place)
        scores["psnr"] += psnr(restored, x0).clamp(max=MAX_PSNR).sum().item() / len(images)
        scores["ssim"] += ssim(restored, x0).sum().item() / len(images)
        place.report(first + len(x0), len(images))
    return Measured(Scores.of(scores), solver.network_evaluations)


def _solver(spec: EvaluationSpec, measure: RestoreSpec, place: Place) -> Solver:
    if not isinstance(spec.source, TrainingSource):
        return build_solver(measure.solver, None, None, place.device)
    assert place.weights is not None
    training = spec.source.training
    network = load_generator(training, place.weights, place.device)
    return build_solver(measure.solver, training, network, place.device, place.parts)


def _restored(
    problem: InverseProblem,
    solver: Solver,
    x0: Image,
    spec: EvaluationSpec,
    block: int,
    place: Place,
) -> Image:
    noise = generator(place.device, spec.seed, "measurement", block)
    y = problem.observe(x0, problem.draw_noise(x0, noise))
    restored = solver.restore(problem, y, generator(place.device, spec.seed, "block", block))
    require_finite(restored, spec)
    if block == 0:
        pictures = {"original": x0, "degraded": problem.lift(y), "grid": restored}
        for name, images in pictures.items():
            save_grid(to_uint8(images), place.folder / f"{name}.png")
    return restored
