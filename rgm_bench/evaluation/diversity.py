"""How far restorations of one observation differ over the latent."""

import torch

from rgm_bench.build.data import build_data
from rgm_bench.build.degradation import build_forward
from rgm_bench.build.networks import build_latent, in_numerics
from rgm_bench.config.spec import (
    EvaluationSpec,
    LatentDiversitySpec,
    TrainingSource,
    is_images,
    other_split,
)
from rgm_bench.data.images import to_uint8, to_unit_range
from rgm_bench.evaluation.base import Measured, Place, first_of, require_finite
from rgm_bench.evaluation.model import load_generator
from rgm_bench.evaluation.pictures import GRID_IMAGES, save_grid
from rgm_bench.metrics.diversity import latent_diversity
from rgm_bench.metrics.scores import Scores
from rgm_bench.rng import generator
from rgm_bench.sampling.blocks import BLOCK
from rgm_bench.types import Sample


def measure_diversity(spec: EvaluationSpec, measure: LatentDiversitySpec, place: Place) -> Measured:
    """The spread of restorations over z; leaves `grid.png` with 8 restorations an observation.

    The observations are the first `num_images` of the split, degraded to `level` once.

    Raises:
        DivergedError: a restoration is not finite.
    """
    source = spec.source
    assert isinstance(source, TrainingSource)
    assert place.weights is not None
    training = source.training
    network = load_generator(training, place.weights, place.device)
    restore = in_numerics(network, training.numerics, place.device)
    forward = build_forward(training.method.forward, training.data, place.device, place.parts)
    latent = build_latent(training.generator.latent)
    whole = build_data(other_split(training.data, measure.split))
    data = first_of(whole, measure.num_images, measure.split)
    x0 = (to_unit_range(data) if data.dtype == torch.uint8 else data).to(place.device)
    squares = total = 0.0
    for first in range(0, len(x0), BLOCK):
        part = x0[first : first + BLOCK]
        rng = generator(place.device, spec.seed, "block", first // BLOCK)
        level = torch.full((len(part),), measure.level, device=place.device)
        noise = torch.randn(part.shape, generator=rng, device=place.device)
        y = forward.sample(part, level, noise)
        with torch.no_grad():
            restored = torch.stack(
                [
                    restore(y, level - 1, latent.draw(len(part), rng))
                    for _ in range(measure.num_latents)
                ]
            )
        require_finite(restored, spec)
        squares += latent_diversity(restored) ** 2 * len(part)
        total += len(part)
        if first == 0 and is_images(training.data):
            save_grid(_rows(restored), place.folder / "grid.png")
        place.report(first + len(part), len(x0))
    scores = Scores.of({"latent_diversity": (squares / total) ** 0.5})
    return Measured(scores, measure.num_latents)


def _rows(restored: torch.Tensor) -> torch.Tensor:
    """Eight restorations of each of the first eight observations, a row an observation."""
    shown: Sample = restored[:8, :8].transpose(0, 1).flatten(0, 1)
    return to_uint8(shown[:GRID_IMAGES])
