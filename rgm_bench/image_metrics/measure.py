"""Images against a reference: the suite of every study, and how far its FID moves with the draw."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from rgm_bench.errors import DataError
from rgm_bench.image_metrics.fid_interval import RESAMPLES, Interval, fid_interval
from rgm_bench.image_metrics.image_set import ImageSet
from rgm_bench.image_metrics.reference import Reference, is_blind_to_colour
from rgm_bench.metrics.classifier import new_classifier
from rgm_bench.metrics.extractors import ExtractorName
from rgm_bench.metrics.fidelity import (
    INCEPTION_SCORE_SPLITS,
    Extractor,
    Features,
    generation_metrics,
)
from rgm_bench.metrics.names import MetricName
from rgm_bench.metrics.scores import Scores
from rgm_bench.rng import derive_seed

FEWEST = INCEPTION_SCORE_SPLITS
"""Images on either side below which there are no metrics."""


@final
@dataclass(frozen=True)
class ImageScores:
    """Scores by their full names, and intervals of those that have one."""

    scores: Scores
    intervals: Mapping[str, Interval]


def image_metrics(
    images: ImageSet, reference: Reference, extractor: Extractor, *, seed: int, cache: Path
) -> Scores:
    """FID, inception score, KID, precision and recall, by their full names.

    Equal to what a study says of the same images: see `generation_metrics`.

    Args:
        images: to be measured.
        reference: what they are compared with.
        extractor: the network that sees both.
        seed: as of an evaluation: of splits and subsets.
        cache: the folder of a store's reference features.

    Raises:
        DataError: the images do not fit the reference or the extractor, or one cannot be read.
        StoreError: `cache` cannot be written.
    """
    generated, real = _both(images, reference, extractor, cache)
    return _scores(generated, real, extractor.name, seed)


def image_scores(
    images: ImageSet,
    reference: Reference,
    extractor: Extractor,
    *,
    seed: int,
    cache: Path,
    resamples: int = RESAMPLES,
) -> ImageScores:
    """`image_metrics`, with the interval of FID that `fid_interval` gives.

    Args:
        images: to be measured.
        reference: what they are compared with.
        extractor: the network that sees both.
        seed: as of an evaluation: of splits, subsets and resamples.
        cache: the folder of a store's reference features.
        resamples: for the interval; 0 for none.

    Raises:
        DataError: the images do not fit the reference or the extractor, or one cannot be read.
        StoreError: `cache` cannot be written.
    """
    generated, real = _both(images, reference, extractor, cache)
    scores = _scores(generated, real, extractor.name, seed)
    fid = str(MetricName("fid", extractor.name, images.num))
    if not resamples or fid in scores.gaps:
        return ImageScores(scores, {})
    interval = fid_interval(scores.metrics[fid], generated, real, seed=seed, resamples=resamples)
    return ImageScores(scores, {fid: interval})


def require_fit(images: ImageSet, reference: Reference, extractor: ExtractorName) -> None:
    """Refuse images that cannot be compared with a reference by an extractor.

    Colour in images that have to be grey is refused when it is seen.

    Raises:
        DataError: they are too few, or of another size or other channels.
    """
    real = reference.images
    for each in (images, real):
        if each.num < FEWEST:
            raise DataError(
                f"{each.title}: found {each.num} images; metrics need {FEWEST} or more on either "
                "side, and say little below some hundred"
            )
        _require_seen(each, extractor)
    if images.shape[1:] != real.shape[1:]:
        raise DataError(
            f"{images.title} has images of {_size(images)} pixels, and {real.title} of "
            f"{_size(real)}: nothing is resized, since every way to do it has another FID; bring "
            "both to one size, or name another reference"
        )
    if images.is_grey and not real.is_grey and not is_blind_to_colour(extractor):
        raise DataError(
            f"{images.title} is grey, and {real.title} has colour: name a grey reference, or save "
            "the images in colour"
        )


def _require_seen(images: ImageSet, extractor: ExtractorName) -> None:
    if extractor == "inception_v3_compat":
        return
    network = new_classifier(extractor)
    if images.shape[1:] != (network.image_size, network.image_size):
        raise DataError(
            f"{images.title} has images of {_size(images)} pixels, and {extractor} sees those of "
            f"{network.image_size} x {network.image_size}: name another with --extractor; "
            "inception_v3_compat sees any"
        )


def _both(
    images: ImageSet, reference: Reference, extractor: Extractor, cache: Path
) -> tuple[Features, Features]:
    require_fit(images, reference, extractor.name)
    # the reference first: it may be there already, and what is wrong with it shows at once
    real = reference.features(extractor, cache=cache)
    is_grey = reference.images.is_grey or is_blind_to_colour(extractor.name)
    blocks = images.grey_blocks if is_grey else images.blocks
    return extractor.features(blocks()), real


def _scores(generated: Features, real: Features, extractor: ExtractorName, seed: int) -> Scores:
    found = generation_metrics(generated, real, seed=derive_seed(seed, "metrics"))
    return found.named(extractor, len(generated))


def _size(images: ImageSet) -> str:
    return f"{images.shape[1]} x {images.shape[2]}"
