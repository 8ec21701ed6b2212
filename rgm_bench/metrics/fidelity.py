"""FID, inception score, KID, precision and recall, by torch-fidelity on features we extract.

torch-fidelity's own loop is not used: it keys its cache by a name only, unpickles it, starts
loader processes and asks for CUDA. Its functions on features are, so the numbers are its numbers.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast, final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.utils.data import Dataset
from torch_fidelity import calculate_metrics
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import (
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from rgm_bench.metrics.digest import file_sha256
from rgm_bench.metrics.extractors import (
    ExtractorName,
    extractor_weights,
    load_extractor,
    register_extractors,
)
from rgm_bench.metrics.scores import Score, Scores, finite_or

Block: TypeAlias = UInt8[Tensor, "_ channel height width"]
"""Images with values 0 to 255, grey or colour; as many as one likes, so its first axis is free."""

BLOCK = 256
"""Images that a network sees at once; the last block is filled up. A batch of another size would
give other last bits, so an image's features depend on nothing but the image."""

INCEPTION_SCORE_SPLITS = 10
KID_SUBSETS = 50
KID_SUBSET_SIZE = 300
"""KID is unbiased at any size of subset. torch-fidelity's own 100 of 1000 take 4 s in 64
dimensions on one core, several times as long as all else that is measured; these take 0.2 s."""

NEIGHBOURS = 3
NEIGHBOUR_IMAGES = 10_000
"""Precision and recall look at all pairs of at most so many images on either side."""

GENERATION_METRICS = ("fid", "inception_score", "kid", "precision", "recall")

_TOO_SURE = (
    "the extractor gives a class a probability of exactly 0 in all images of a split, and the "
    "score takes its logarithm: the images are nearly equal, or unlike those it was trained on"
)

_INCEPTION = "inception-v3-compat"
"""torch-fidelity's name of it."""

_CHOLESKY_FROM = 512
"""Dimensions from which the symmetric route to FID is taken: 3 times as fast at 2048."""


@final
@dataclass(frozen=True)
class Features:
    """What an extractor saw in a set of images, one row an image.

    Args:
        fid: the layer that FID and KID compare.
        logits: the layer that the inception score reads.
    """

    fid: Float[Tensor, "n dim"]
    logits: Float[Tensor, "n classes"]

    def __len__(self) -> int:
        return len(self.fid)

    def unseen(self, title: str) -> str | None:
        """Why nothing can be measured of them, or None: what the extractor saw is not finite."""
        finite = self.fid.isfinite().all(1) & self.logits.isfinite().all(1)
        if bool(finite.all()):
            return None
        return f"features of {int((~finite).sum())} of {len(self)} in {title} are not finite"


@final
class Extractor:
    """A network that sees images, on a device.

    Args:
        name: which one; part of the name of every number it leads to.
        device: where it runs.
        inception: Inception's weights, when they lie somewhere else than usual.

    Raises:
        MissingDataError: Inception's weights were not found and cannot be downloaded.
        DataError: the weights are corrupt or not the published ones.
    """

    def __init__(
        self,
        name: ExtractorName,
        *,
        device: torch.device | None = None,
        inception: Path | None = None,
    ) -> None:
        weights = extractor_weights(name, inception)
        self.name: ExtractorName = name
        self.device = device or torch.device("cpu")
        self.weights_sha256 = file_sha256(weights)
        self._network = load_extractor(name, weights).to(self.device)

    def features(self, blocks: Iterable[Block]) -> Features:
        """Features of all images, in order: the same bits however they are cut into blocks.

        Grey images are repeated to three channels.
        """
        seen = [self._see(block) for block in _fixed_blocks(blocks)]
        if not seen:
            raise ValueError("there are no images to see")
        return Features(
            fid=torch.cat([features for features, _ in seen]),
            logits=torch.cat([logits for _, logits in seen]),
        )

    def _see(self, block: Block) -> tuple[Tensor, Tensor]:
        filled = torch.zeros(BLOCK, 3, *block.shape[2:], dtype=torch.uint8, device=self.device)
        filled[: len(block)] = block.to(self.device)
        with torch.no_grad(), _exact():
            features, logits = self._network(filled)
        return features[: len(block)].cpu(), logits[: len(block)].cpu()


def _exact() -> AbstractContextManager[None]:
    """TF32 and autotuned kernels would move the third digit of an FID from card to card."""
    return torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )


def generation_metrics(generated: Features, reference: Features, *, seed: int) -> Scores:
    """FID, inception score, KID, precision and recall of generated against reference images.

    The inception score is the mean over 10 shuffled splits of the generated images. KID is the
    mean over 50 pairs of subsets of min(300, n) images each; it can be slightly negative.
    Precision is the share of generated images that lie within reach of a reference image, as far
    as that one's third neighbour among its own kind; recall is the share of reference images
    within such reach of a generated one. None of all these can be compared with that of another
    number of images or of another extractor. A score that is not a finite number is a gap.

    Args:
        generated: features of at least 10 images.
        reference: features of at least 10 images, by the same extractor.
        seed: of the splits and subsets.

    Returns:
        `GENERATION_METRICS`.

    Source: Heusel et al. 2017 (FID), Salimans et al. 2016 (inception score), Binkowski et al. 2018
    (KID), Kynkaanniemi et al. 2019 (precision and recall), all as torch-fidelity computes them; for
    the last two, of random 10,000 images where there are more.
    """
    fewest = min(len(generated), len(reference))
    if fewest < INCEPTION_SCORE_SPLITS:
        raise ValueError(f"metrics need at least {INCEPTION_SCORE_SPLITS} images, found {fewest}")
    unseen = generated.unseen("the images") or reference.unseen("the reference")
    if unseen is not None:
        return Scores(gaps=dict.fromkeys(GENERATION_METRICS, unseen))
    kid = _kid(generated, reference, seed=seed, subset_size=min(KID_SUBSET_SIZE, fewest))
    return Scores.of(
        {
            "fid": _fid(generated, reference),
            "inception_score": finite_or(_inception_score(generated, seed=seed), _TOO_SURE),
            "kid": finite_or(kid, "features are so large that its kernel overflows"),
            **_precision_and_recall(generated, reference, seed=seed),
        }
    )


@final
@dataclass(frozen=True)
class Gaussian:
    """Mean and covariance of features."""

    mean: Float[np.ndarray, " dim"]
    covariance: Float[np.ndarray, "dim dim"]


def statistics(features: Features) -> Gaussian:
    """The Gaussian that FID compares, its covariance divided by n - 1."""
    found = cast("dict[str, Any]", fid_features_to_statistics(features.fid))
    return Gaussian(mean=found["mu"], covariance=found["sigma"])


def _fid(generated: Features, reference: Features) -> Score:
    try:
        found = frechet_distance(statistics(generated), statistics(reference))
    except np.linalg.LinAlgError as error:
        return f"the eigenvalues of the covariances were not found ({error})"
    return finite_or(found, "features are so large that the distance overflows")


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """The squared Frechet distance of two Gaussians, never below 0; NaN where it overflows.

    From 512 dimensions on by the eigenvalues of a symmetric matrix, unless a covariance is
    singular (fewer images than dimensions); otherwise as torch-fidelity does it.
    """
    if len(first.mean) >= _CHOLESKY_FROM:
        try:
            return _not_negative(symmetric_frechet_distance(first, second))
        except np.linalg.LinAlgError:  # singular: no Cholesky factor
            pass
    pair = ({"mu": each.mean, "sigma": each.covariance} for each in (first, second))
    found = fid_statistics_to_metric(*pair, verbose=False)
    return _not_negative(found[KEY_METRIC_FID])


def _not_negative(distance: float) -> float:
    """Rounding makes it -1e-13 for two equal sets; Python's `max` would turn NaN into 0."""
    return float(np.maximum(0.0, distance))


def symmetric_frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """The squared Frechet distance with the trace of sqrt(S1 S2) taken from L' S2 L, S1 = L L'.

    S1 S2 and L' S2 L have the same eigenvalues, and those of a symmetric matrix cost a third.
    Rounding can make it slightly negative.

    Raises:
        numpy.linalg.LinAlgError: the first covariance is singular.
    """
    factor = np.linalg.cholesky(first.covariance)
    eigenvalues = np.linalg.eigvalsh(factor.T @ second.covariance @ factor)
    cross = np.sqrt(eigenvalues.clip(min=0)).sum()
    shift = first.mean - second.mean
    return float(
        shift @ shift + np.trace(first.covariance) + np.trace(second.covariance) - 2 * cross
    )


def fid_by_torch_fidelity(
    name: ExtractorName, first: Block, second: Block, *, device: torch.device | None = None
) -> float:
    """FID of two sets of images by torch-fidelity alone, from its own loop over them to the end.

    A known answer for `Extractor`, `statistics` and `frechet_distance`: what `calculate_metrics`
    says, and with it torch-fidelity's own command, which hands its options to that function. The
    command itself offers the extractors that torch-fidelity ships, and so not our classifiers.

    Args:
        name: of the extractor.
        first: images, grey or colour.
        second: images of the same form.
        device: where the extractor runs; None for the CPU.

    Raises:
        MissingDataError: Inception's weights were not found and cannot be downloaded.
    """
    register_extractors()
    with _exact():
        found = calculate_metrics(
            input1=_Images(first),
            input2=_Images(second),
            fid=True,
            feature_extractor=_INCEPTION if name == "inception_v3_compat" else name,
            feature_extractor_weights_path=str(extractor_weights(name)),
            cuda=device is not None and device.type == "cuda",
            cache=False,
            save_cpu_ram=True,  # and so without processes of its own
            verbose=False,
        )
    return found[KEY_METRIC_FID]


@final
class _Images(Dataset[Tensor]):
    """Images as torch-fidelity reads them, grey ones in three channels."""

    def __init__(self, images: Block) -> None:
        self._images = images.expand(-1, 3, -1, -1)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        return self._images[index]


def _inception_score(generated: Features, *, seed: int) -> float:
    found = isc_features_to_metric(
        generated.logits, splits=INCEPTION_SCORE_SPLITS, rng_seed=_numpy_seed(seed)
    )
    return found[KEY_METRIC_ISC_MEAN]


def _kid(generated: Features, reference: Features, *, seed: int, subset_size: int) -> float:
    found = kid_features_to_metric(
        generated.fid,
        reference.fid,
        kid_subsets=KID_SUBSETS,
        kid_subset_size=subset_size,
        rng_seed=_numpy_seed(seed),
        verbose=False,
    )
    return found[KEY_METRIC_KID_MEAN]


def _precision_and_recall(
    generated: Features, reference: Features, *, seed: int
) -> dict[str, float]:
    # the names of torch-fidelity are ours too
    found = prc_features_to_metric(
        _some(generated.fid, seed),
        _some(reference.fid, seed),
        prc_neighborhood=NEIGHBOURS,
        prc_batch_size=1000,
        save_cpu_ram=True,
        verbose=False,
    )
    return {name: found[name] for name in (KEY_METRIC_PRECISION, KEY_METRIC_RECALL)}


def _some(features: Float[Tensor, "n dim"], seed: int) -> Float[Tensor, "m dim"]:
    if len(features) <= NEIGHBOUR_IMAGES:
        return features
    rng = torch.Generator().manual_seed(seed)
    return features[torch.randperm(len(features), generator=rng)[:NEIGHBOUR_IMAGES]]


def _numpy_seed(seed: int) -> int:
    """NumPy's old generator takes 32 bits."""
    return seed % 2**32


def _fixed_blocks(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same images in blocks of `BLOCK`, the last one shorter."""
    waiting: list[Block] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= BLOCK:
            joined = torch.cat(waiting)
            whole = count // BLOCK * BLOCK
            yield from joined[:whole].split(BLOCK)
            waiting, count = [joined[whole:]], count - whole
    if count:
        yield torch.cat(waiting)
