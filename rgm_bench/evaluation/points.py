"""Generated or real points in the plane against fresh points of their distribution."""

from io import BytesIO

import numpy as np
import torch

from rgm_bench.build.data import build_points
from rgm_bench.build.sampling import build_sampler
from rgm_bench.config.spec import EvaluationSpec, PointsDataSpec, PointsSpec, TrainingSource
from rgm_bench.evaluation.base import Measured, Place, require_finite
from rgm_bench.evaluation.model import load_generator
from rgm_bench.metrics.points import points_metrics
from rgm_bench.results.files import write_whole
from rgm_bench.rng import derive_seed, generator
from rgm_bench.sampling.blocks import sample_blocks
from rgm_bench.types import Sample

POINTS_FILE = "points.npy"


def measure_points(spec: EvaluationSpec, measure: PointsSpec, place: Place) -> Measured:
    """Distances to the distribution, modes covered and the share of good points.

    Leaves all points as `points.npy`, float32.

    Raises:
        DivergedError: a generated point is not finite.
    """
    data = spec.data
    assert isinstance(data, PointsDataSpec)
    points, evaluations = _points(spec, measure, place)
    require_finite(points, spec)
    content = BytesIO()
    np.save(content, points.cpu().numpy())
    write_whole(place.folder / POINTS_FILE, content.getvalue())
    reference = build_points(data.model_copy(update={"split": "test", "num_points": measure.count}))
    seed = derive_seed(spec.seed, "metrics")
    scores = points_metrics(points.cpu(), reference, kind=data.kind, seed=seed)
    place.report(measure.count, measure.count)
    return Measured(scores, evaluations)


def _points(spec: EvaluationSpec, measure: PointsSpec, place: Place) -> tuple[Sample, int]:
    source = spec.source
    if not isinstance(source, TrainingSource):
        assert isinstance(source.data, PointsDataSpec)
        real = build_points(source.data)
        rng = generator(torch.device("cpu"), spec.seed, "real")
        return real[torch.randint(len(real), (measure.count,), generator=rng)], 0
    assert measure.sampler is not None
    assert place.weights is not None
    network = load_generator(source.training, place.weights, place.device)
    sampler = build_sampler(measure.sampler, source.training, network, place.device, place.parts)
    blocks = sample_blocks(sampler, measure.count, seed=spec.seed, device=place.device)
    return torch.cat(list(blocks)), sampler.network_evaluations
