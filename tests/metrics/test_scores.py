"""A score that is not a finite number is a gap with its reason, and the others are kept."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rgm_bench.metrics.fidelity import (
    GENERATION_METRICS,
    Extractor,
    Features,
    Gaussian,
    frechet_distance,
    generation_metrics,
    statistics,
)
from rgm_bench.metrics.scores import Scores


def noise(num: int, size: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(num)
    return torch.randint(0, 256, (num, 3, size, size), generator=rng).byte()


def dotted(num: int) -> torch.Tensor:
    """Equal images, of which patches16_cnn_v1 is sure beyond what float64 can tell from 1."""
    images = torch.zeros(num, 3, 16, 16, dtype=torch.uint8)
    images[:, :, ::2, ::2] = 255
    return images


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_a_gap_and_the_rest_is_kept(value: float) -> None:
    found = Scores.of({"fid": 1.5, "kid": value, "w2": "no transport"})
    assert found == Scores({"fid": 1.5}, {"kid": f"its value is {value}", "w2": "no transport"})
    assert found.named("x", 9).gaps == {
        "kid.x.n9": f"its value is {value}",
        "w2.x.n9": "no transport",
    }


def test_equal_images_have_a_distance_and_no_inception_score() -> None:
    extractor = Extractor("patches16_cnn_v1")
    reference = extractor.features([noise(60, 16)])
    found = generation_metrics(extractor.features([dotted(40)]), reference, seed=0)
    assert set(found.metrics) == set(GENERATION_METRICS) - {"inception_score"}
    assert found.metrics["fid"] == frechet_distance(
        statistics(extractor.features([dotted(40)])), statistics(reference)
    )
    assert "nearly equal" in found.gaps["inception_score"]


def test_a_kernel_that_overflows_leaves_the_other_scores() -> None:
    rng = torch.Generator().manual_seed(0)
    seen = Features(torch.randn(40, 4, generator=rng), torch.randn(40, 3, generator=rng))
    large = replace(seen, fid=seen.fid * 1e8)
    found = generation_metrics(large, seen, seed=0)
    assert set(found.gaps) == {"kid"}
    assert found.metrics["fid"] > 1e15


@pytest.mark.parametrize("of", ["fid", "logits"])
def test_features_that_are_not_finite_leave_no_score_and_no_zero(of: str) -> None:
    """Comparisons with NaN are false: precision and recall would be 0, and no gap."""
    rng = torch.Generator().manual_seed(0)
    seen = Features(torch.randn(40, 4, generator=rng), torch.randn(40, 3, generator=rng))
    broken = getattr(seen, of).clone()
    broken[3, 1] = math.nan
    for pair, title in (
        ((replace(seen, **{of: broken}), seen), "the images"),
        ((seen, replace(seen, **{of: broken})), "the reference"),
    ):
        found = generation_metrics(*pair, seed=0)
        reason = f"features of 1 of 40 in {title} are not finite"
        assert found == Scores(gaps=dict.fromkeys(GENERATION_METRICS, reason))


def test_a_distance_that_is_no_number_is_not_the_distance_zero() -> None:
    """Python says max(0.0, nan) == 0.0, a perfect score."""
    gaussian = Gaussian(np.zeros(4), np.eye(4))
    assert math.isnan(frechet_distance(gaussian, Gaussian(np.full(4, math.nan), np.eye(4))))
