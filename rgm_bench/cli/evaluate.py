"""The command that measures any images: evaluate."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgm_bench.cli.options import DEFAULT_STORE, StoreLocation

if TYPE_CHECKING:
    import torch

    from rgm_bench.image_metrics.image_set import ImageSet
    from rgm_bench.image_metrics.measure import ImageScores
    from rgm_bench.image_metrics.reference import Reference
    from rgm_bench.metrics.extractors import ExtractorName

MOST_GENERATED = 50_000
"""Images that a checkpoint generates by default, where the reference has more."""


FEWEST_RESAMPLES = 40
"""With fewer the ends of an interval are the extremes of what was drawn."""


class ExtractorOption(StrEnum):
    """The networks that see images."""

    DIGITS = "digits_cnn_v1"
    FASHION_MNIST = "fashion_mnist_cnn_v1"
    PATCHES = "patches16_cnn_v1"
    INCEPTION = "inception_v3_compat"


def evaluate(
    images: Annotated[
        str,
        typer.Argument(
            metavar="IMAGES",
            help="A folder of pictures (png, jpg, webp; in folders or not), an array (.npy or "
            ".npz, uint8, n x height x width x channels), a snapshot-*.safetensors in a store, or "
            "the id of a training in the store, or its first digits.",
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            metavar="REFERENCE",
            help="A data set with or without its split (digits, digits:test, fashion_mnist, "
            "cifar10, ...; default train), or a folder or an array of real images.",
        ),
    ],
    num_images: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many images to measure: of files random ones (default: all), of a training "
            f"that many (default: as many as the reference has, at most {MOST_GENERATED:,}).",
        ),
    ] = None,
    extractor: Annotated[
        ExtractorOption | None,
        typer.Option(
            help="The network that sees the images (default: that of the data set; for a folder "
            "or an array as the reference Inception, where its weights are)."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of generated images, of splits, subsets and resamples.")
    ] = 0,
    resamples: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="For the interval of FID; 0 for none, else 40 or more (default: 200). With "
            "Inception each takes seconds on a CPU.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers there, too.")
    ] = None,
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Measure any images: FID with an interval, inception score, KID, precision and recall.

    The numbers are those of studies, under the same names. Nothing is resized: all images have to
    be as large as those of the reference. A training is sampled as by `rgm-bench sample`.

    The interval is of the FID that so many images like these have on average, against these real
    ones: it covers the draw of the images, not that of another training. Features of the reference
    are kept in the folder references/ of the store, where studies find them, too.
    """
    from rgm_bench.execution.device import take_device
    from rgm_bench.image_metrics.fid_interval import RESAMPLES
    from rgm_bench.image_metrics.measure import image_scores, require_fit
    from rgm_bench.metrics.fidelity import Extractor
    from rgm_bench.results.store import Store

    _require_enough(resamples)
    device = take_device(_gpus())
    found, reference = _open(images, against, num_images, seed, store, device)
    name: ExtractorName = extractor.value if extractor else reference.usual_extractor()
    require_fit(found, reference, name)
    scores = image_scores(
        found,
        reference,
        Extractor(name, device=device),
        seed=seed,
        cache=Store.at(store).root / "references",
        resamples=RESAMPLES if resamples is None else resamples,
    )
    if json_file is not None:
        _write(json_file, _record(found, reference, name, seed, device, scores))
    _print(found, reference, name, scores)


def _require_enough(resamples: int | None) -> None:
    if resamples is not None and 0 < resamples < FEWEST_RESAMPLES:
        raise typer.BadParameter(
            f"found {resamples}; an interval needs {FEWEST_RESAMPLES} or more, and 0 leaves it out",
            param_hint="--resamples",
        )


def _gpus() -> int:
    import torch

    return 1 if torch.cuda.is_available() else 0


def _open(
    images: str, against: str, num: int | None, seed: int, store: str, device: "torch.device"
) -> "tuple[ImageSet, Reference]":
    """What is measured and what it is compared with, opened before any work."""
    from rgm_bench.image_metrics.files import ARRAY_SUFFIXES, open_images
    from rgm_bench.image_metrics.reference import Reference
    from rgm_bench.image_metrics.trained import find_snapshot, trained_images

    path = Path(images)
    if os.path.isdir(path) or path.suffix.lower() in ARRAY_SUFFIXES:
        found = open_images(path, num=num, seed=seed)
        return found, Reference.open(against, image_size=found.shape[1])
    snapshot = find_snapshot(images, store)
    height = snapshot.training.data.event_shape[1]
    reference = Reference.open(against, image_size=height)
    wanted = min(reference.images.num, MOST_GENERATED) if num is None else num
    return trained_images(snapshot, num=wanted, seed=seed, device=device), reference


def _record(
    images: "ImageSet",
    reference: "Reference",
    extractor: str,
    seed: int,
    device: "torch.device",
    scores: "ImageScores",
) -> dict[str, Any]:
    from rgm_bench.image_metrics.fid_interval import CONFIDENCE
    from rgm_bench.results.code import code_digest

    return {
        "images": {"title": images.title, "num": images.num, "shape": images.shape},
        "reference": {"title": reference.images.title, "num": reference.images.num},
        "extractor": extractor,
        "seed": seed,
        "metrics": dict(scores.scores.metrics),
        **({"gaps": dict(scores.scores.gaps)} if scores.scores.gaps else {}),
        "intervals": {name: [each.low, each.high] for name, each in scores.intervals.items()},
        "confidence": CONFIDENCE,
        "device": device.type,
        "code": code_digest("evaluation"),
    }


def _write(path: Path, record: dict[str, Any]) -> None:
    from rgm_bench.errors import DataError

    try:
        path.write_text(json.dumps(record, indent=2) + "\n")
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}; --json names another file"
        ) from error


def _print(
    images: "ImageSet", reference: "Reference", extractor: str, scores: "ImageScores"
) -> None:
    real = reference.images
    sizes = " x ".join(map(str, images.shape))
    print(
        f"{images.title}: {images.num:,} images of {sizes}, against the {real.num:,} of "
        f"{real.title}, seen by {extractor}"
    )
    gaps = scores.scores.gaps
    width = max(map(len, [*scores.scores.metrics, *gaps]))
    for name, value in scores.scores.metrics.items():
        interval = scores.intervals.get(name)
        ends = f"   [{interval.low:.6g}, {interval.high:.6g}]" if interval else ""
        print(f"{name:<{width}}  {value:>12.6g}  n = {images.num:,}{ends}")
    for name, reason in gaps.items():
        print(f"{name:<{width}}  {'-':>12}  n = {images.num:,}   no number: {reason}")
    if scores.intervals:
        print(
            f"in brackets: where, with 95 % confidence, the FID of {images.num:,} images like "
            "these lies on average; another training moves it further"
        )
