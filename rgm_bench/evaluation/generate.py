"""Generated or real images against reference images, in the features of an extractor."""

from collections.abc import Iterable, Iterator

import torch

from rgm_bench.build.data import build_images
from rgm_bench.build.sampling import build_sampler
from rgm_bench.config.spec import (
    DataSpec,
    EvaluationSpec,
    GenerateSpec,
    TrainingSource,
    canonical_json,
    other_split,
)
from rgm_bench.data.images import to_uint8
from rgm_bench.evaluation.base import Measured, Place, require_finite
from rgm_bench.evaluation.model import load_generator
from rgm_bench.evaluation.pictures import save_grid
from rgm_bench.metrics.fidelity import Extractor, Features, generation_metrics
from rgm_bench.metrics.reference import reference_features
from rgm_bench.rng import derive_seed, generator
from rgm_bench.sampling.blocks import BLOCK, sample_blocks
from rgm_bench.types import ByteImage, Sample


def measure_generation(spec: EvaluationSpec, measure: GenerateSpec, place: Place) -> Measured:
    """FID, inception score, KID, precision and recall; leaves `grid.png`.

    Real images have no recall: they are drawn with replacement, and an image that is there several
    times reaches nothing but itself.

    Raises:
        DivergedError: a generated image is not finite.
    """
    blocks, evaluations = _blocks(spec, measure, place)
    extractor = Extractor(measure.reference.extractor, device=place.device)
    generated = extractor.features(_watched(blocks, measure.num_images, place))
    found, named = len(generated), measure.num_images  # the names of metrics say how many there are
    assert found == named, f"{found} images were made, and {named} are asked for"
    reference = _reference(spec, measure, extractor, place)
    scores = generation_metrics(generated, reference, seed=derive_seed(spec.seed, "metrics"))
    if not isinstance(spec.source, TrainingSource):
        scores = scores.without("recall")
    return Measured(scores, evaluations)


def _blocks(
    spec: EvaluationSpec, measure: GenerateSpec, place: Place
) -> tuple[Iterator[ByteImage], int]:
    source = spec.source
    if not isinstance(source, TrainingSource):
        return _real_blocks(source.data, measure.num_images, spec.seed), 0
    assert measure.sampler is not None
    assert place.weights is not None
    network = load_generator(source.training, place.weights, place.device)
    sampler = build_sampler(measure.sampler, source.training, network, place.device, place.parts)
    samples = sample_blocks(sampler, measure.num_images, seed=spec.seed, device=place.device)
    return (_as_bytes(block, spec) for block in samples), sampler.network_evaluations


def _as_bytes(block: Sample, spec: EvaluationSpec) -> ByteImage:
    require_finite(block, spec)
    return to_uint8(block)


def _real_blocks(data: DataSpec, num: int, seed: int) -> Iterator[ByteImage]:
    images = build_images(data)
    rng = generator(torch.device("cpu"), seed, "real")
    chosen = torch.randint(len(images), (num,), generator=rng)
    return (images[part] for part in chosen.split(BLOCK))


def _watched(blocks: Iterator[ByteImage], num: int, place: Place) -> Iterator[ByteImage]:
    done = 0
    for block in blocks:
        if done == 0:
            save_grid(block, place.folder / "grid.png")
        done += len(block)
        place.report(done, num)
        yield block


def _reference(
    spec: EvaluationSpec, measure: GenerateSpec, extractor: Extractor, place: Place
) -> Features:
    data = other_split(spec.data, measure.reference.split)
    images = build_images(data)

    def blocks() -> Iterable[ByteImage]:
        return images.split(BLOCK)

    return reference_features(
        extractor,
        blocks,
        folder=place.references,
        # other code may read or see the same images differently
        data_key=f"{canonical_json(data)} {place.digest}",
        split=measure.reference.split,
        number=len(images),
        set_aside=place.set_aside,
    )
