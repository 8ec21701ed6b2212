"""How far FID moves with the images that happened to be drawn."""

from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from jaxtyping import Float

from rgm_bench.metrics.fidelity import Features, Gaussian, statistics
from rgm_bench.rng import derive_seed

CONFIDENCE = 0.95

RESAMPLES = 200
"""Another seed moves an end by about a twentieth of the width. On one CPU core it takes a second in
64 dimensions, and in Inception's 2048 some seconds for each resample."""

_Rows: TypeAlias = Float[np.ndarray, "n dim"]


@final
@dataclass(frozen=True)
class Interval:
    """The ends of an interval."""

    low: float
    high: float


def fid_interval(
    fid: float,
    generated: Features,
    reference: Features,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Interval:
    """A 95 % bootstrap interval of the FID that n images like these have on average.

    It covers the draw of the n generated images, with these reference images. It says nothing of
    other trainings: seeds move FID several times as far. Nor is it of the FID of infinitely many
    images: FID falls with n, so only intervals of one n can be compared.

    Drawing n of n images with repetition leaves fewer different ones, and so every resample has a
    larger FID than the images themselves, often by more than the width of the interval: an interval
    from the quantiles of the resamples would miss what it is of. Only their spread is used, around
    their own mean, and turned around as in the basic bootstrap: from `fid - (q(0.975) - mean)` to
    `fid - (q(0.025) - mean)`, not below 0. Where both sets are of one distribution it is wider than
    it had to be, up to 1.6 times.

    Args:
        fid: of these features.
        generated: features that are resampled.
        reference: features that stay.
        seed: of the resamples.
        resamples: how many, 2 or more.

    Source: Davison and Hinkley 1997, section 5.2 (basic interval). We centre it on the mean of the
    resamples.
    """
    found = _resampled(generated, statistics(reference), seed=seed, resamples=resamples)
    tail = (1 - CONFIDENCE) / 2
    below, above = np.quantile(found, (tail, 1 - tail)) - found.mean()
    return Interval(max(0.0, fid - float(above)), max(0.0, fid - float(below)))


def _resampled(
    generated: Features, reference: Gaussian, *, seed: int, resamples: int
) -> Float[np.ndarray, " resamples"]:
    """FID of each resample, computed on counts: how often each image was drawn."""
    rows = generated.fid.double().numpy() - reference.mean
    eigenvalues, axes = np.linalg.eigh(reference.covariance)
    root = axes * np.sqrt(eigenvalues.clip(min=0))  # root root' is the reference's covariance
    seen = rows @ root
    lengths = np.square(rows).sum(1)
    num, dim = rows.shape
    products = seen @ seen.T if num < dim else None
    rng = np.random.default_rng(derive_seed(seed, "resamples"))
    trace = eigenvalues.clip(min=0).sum()
    found: list[float] = []
    for _ in range(resamples):
        counts = np.bincount(rng.integers(num, size=num), minlength=num).astype(np.float64)
        mean = counts @ rows / num
        own_trace = (counts @ lengths - num * (mean @ mean)) / (num - 1)
        spectrum = _spectrum(counts, seen) if products is None else _small(counts, products)
        found.append(mean @ mean + own_trace + trace - 2 * np.sqrt(spectrum.clip(min=0)).sum())
    return np.array(found)


def _spectrum(counts: Any, seen: _Rows) -> Float[np.ndarray, " dim"]:
    """Eigenvalues of root' S root, S the covariance of the resample."""
    drawn = counts > 0
    num, weights, rows = counts.sum(), counts[drawn, None], seen[drawn]
    rows = rows - (weights * rows).sum(0) / num
    return np.linalg.eigvalsh(rows.T @ (weights * rows) / (num - 1))


def _small(counts: Any, products: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " m"]:
    """The same but for zeros, from the products of images: faster where these are few."""
    drawn = np.flatnonzero(counts)
    num, weights = counts.sum(), counts[drawn]
    inner = products[np.ix_(drawn, drawn)]
    means = inner @ weights / num
    inner = inner - means - means[:, None] + means @ weights / num
    scales = np.sqrt(weights)
    return np.linalg.eigvalsh(inner * scales * scales[:, None] / (num - 1))
