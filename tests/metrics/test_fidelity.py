import math

import numpy as np
import pytest
import torch
import torch_fidelity
from torch.utils.data import Dataset

from rgm_bench.errors import DataError
from rgm_bench.metrics.extractors import register_extractors
from rgm_bench.metrics.fidelity import (
    BLOCK,
    KID_SUBSETS,
    Extractor,
    Features,
    Gaussian,
    frechet_distance,
    generation_metrics,
    statistics,
    symmetric_frechet_distance,
)


class _Images(Dataset[torch.Tensor]):
    def __init__(self, images: torch.Tensor) -> None:
        self.images = images.expand(-1, 3, -1, -1)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]


def _covariance(dim: int, seed: int) -> np.ndarray:
    factor = np.random.default_rng(seed).normal(size=(dim, 2 * dim))
    return factor @ factor.T / (2 * dim)


def _rows(features: Features, rows: slice) -> Features:
    return Features(fid=features.fid[rows], logits=features.logits[rows])


def test_the_numbers_are_those_of_torch_fidelity(
    extractor: Extractor, digits: torch.Tensor, noise: torch.Tensor
):
    generated, reference = torch.cat([digits[:200], noise[:100]]), digits[-330:]
    register_extractors()
    theirs = torch_fidelity.calculate_metrics(
        input1=_Images(generated),
        input2=_Images(reference),
        feature_extractor="digits_cnn_v1",
        isc=True,
        fid=True,
        kid=True,
        kid_subsets=KID_SUBSETS,
        kid_subset_size=300,
        prc=True,
        feature_layer_prc="64",
        prc_neighborhood=3,
        rng_seed=5,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    ours = generation_metrics(
        extractor.features([generated]), extractor.features([reference]), seed=5
    ).metrics
    assert ours == pytest.approx(
        {
            "fid": theirs["frechet_inception_distance"],
            "inception_score": theirs["inception_score_mean"],
            "kid": theirs["kernel_inception_distance_mean"],
            "precision": theirs["precision"],
            "recall": theirs["recall"],
        },
        rel=1e-6,
        abs=1e-6,
    )


@pytest.mark.parametrize("sizes", [[1] * 300, [7, 256, 37], [299, 1], [100, 0, 200]])
def test_features_do_not_depend_on_how_images_are_cut(
    extractor: Extractor, digits: torch.Tensor, sizes: list[int]
):
    whole = extractor.features([digits[:300]])
    cut = extractor.features(digits[:300].split(sizes))
    assert torch.equal(whole.fid, cut.fid)
    assert torch.equal(whole.logits, cut.logits)


@pytest.mark.parametrize("number", [1, 5, BLOCK - 1, BLOCK, BLOCK + 1])
def test_features_of_an_image_do_not_depend_on_those_after_it(
    extractor: Extractor, digits: torch.Tensor, digit_features: Features, number: int
):
    few = extractor.features([digits[:number]])
    assert torch.equal(few.fid, digit_features.fid[:number])


def test_grey_and_the_same_in_three_channels_are_one(extractor: Extractor, digits: torch.Tensor):
    grey, colour = (extractor.features([x]) for x in (digits[:9], digits[:9].expand(-1, 3, 8, 8)))
    assert torch.equal(grey.fid, colour.fid)


def test_no_images_is_an_error(extractor: Extractor):
    with pytest.raises(ValueError, match="no images"):
        extractor.features([])


def test_images_of_another_size_are_refused(extractor: Extractor):
    with pytest.raises(DataError, match="8x8 pixels, found 32x32"):
        extractor.features([torch.zeros(4, 1, 32, 32, dtype=torch.uint8)])


def test_no_feature_is_dead(digit_features: Features):
    assert digit_features.fid.std(0).min() > 1e-3
    eigenvalues = np.linalg.eigvalsh(statistics(digit_features).covariance)
    assert eigenvalues.min() > 1e-6


@pytest.mark.parametrize("dim", [3, 64, 600])
def test_frechet_distance_of_known_gaussians(dim: int):
    """With S = Q diag(s) Q', two Gaussians are |m1 - m2|^2 + sum (sqrt(s1) - sqrt(s2))^2 apart."""
    generator = np.random.default_rng(dim)
    rotation = np.linalg.qr(generator.normal(size=(dim, dim)))[0]
    means, spectra = generator.normal(size=(2, dim)), generator.uniform(0.1, 2, size=(2, dim))
    first, second = (
        Gaussian(mean, (rotation * spectrum) @ rotation.T)
        for mean, spectrum in zip(means, spectra, strict=True)
    )
    expected = np.square(means[0] - means[1]).sum()
    expected += np.square(np.sqrt(spectra[0]) - np.sqrt(spectra[1])).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_statistics_are_exact_for_features_made_to_have_them():
    generator = np.random.default_rng(0)
    raw = generator.normal(size=(500, 8))
    white = np.linalg.qr(raw - raw.mean(0))[0] * math.sqrt(499)
    covariance, mean = _covariance(8, 1), generator.normal(size=8)
    rows = torch.from_numpy(mean + white @ np.linalg.cholesky(covariance).T)
    found = statistics(Features(fid=rows, logits=rows))
    np.testing.assert_allclose(found.mean, mean, rtol=1e-10)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dim", [64, 300])
def test_both_routes_to_the_frechet_distance_agree(dim: int):
    first = Gaussian(np.zeros(dim), _covariance(dim, 1))
    second = Gaussian(np.full(dim, 0.1), _covariance(dim, 2) * 1.5)
    general = frechet_distance(first, second)  # below the dimension of the symmetric route
    assert symmetric_frechet_distance(first, second) == pytest.approx(general, rel=1e-6)


def test_a_singular_covariance_takes_the_general_route():
    dim = 520
    low = np.zeros((dim, dim))
    low[:40, :40] = _covariance(40, 1)
    with pytest.raises(np.linalg.LinAlgError):
        symmetric_frechet_distance(Gaussian(np.zeros(dim), low), Gaussian(np.zeros(dim), low))
    distance = frechet_distance(Gaussian(np.zeros(dim), low), Gaussian(np.zeros(dim), 4 * low))
    assert distance == pytest.approx(np.trace(low), rel=1e-6)  # sum (sqrt(4 s) - sqrt(s))^2


@pytest.mark.parametrize("dim", [2, 16, 64])
def test_equal_sets_are_never_a_negative_distance_apart(dim: int):
    for seed in range(20):
        rows = torch.randn(200, dim, generator=torch.Generator().manual_seed(seed))
        gaussian = statistics(Features(fid=rows, logits=rows))
        assert 0 <= frechet_distance(gaussian, gaussian) < 1e-9


def test_equal_sets_of_images_have_no_distance(digit_features: Features):
    some = _rows(digit_features, slice(0, 500))
    found = generation_metrics(some, some, seed=0).metrics
    assert 0 <= found["fid"] < 1e-9
    assert found["kid"] < 0  # unbiased, and subsets of one set share images


def test_halves_of_the_digits_are_close_and_noise_is_far(
    extractor: Extractor, digit_features: Features, noise: torch.Tensor
):
    even, odd = (_rows(digit_features, slice(start, None, 2)) for start in (0, 1))
    near = generation_metrics(even, odd, seed=0).metrics
    far = generation_metrics(extractor.features([noise]), odd, seed=0).metrics
    assert near["fid"] == pytest.approx(HALVES_FID, rel=1e-3)
    assert far["fid"] > 50 * near["fid"]
    assert abs(near["kid"]) < 0.01 < 0.5 < far["kid"]
    assert near["inception_score"] > 9 > 5 > far["inception_score"]


HALVES_FID = 0.24806
"""Of digits_cnn_v1, whose weights never change: other weights are another extractor."""


def test_fewer_images_than_a_subset_of_kid_are_one_subset(digit_features: Features):
    found = generation_metrics(
        _rows(digit_features, slice(0, 30)), _rows(digit_features, slice(100, 160)), seed=0
    ).metrics
    assert all(math.isfinite(value) for value in found.values())


def test_kid_of_one_whole_subset_is_its_formula(digit_features: Features):
    """With n the subset, KID is the unbiased squared MMD with the kernel (x y / dim + 1)^3."""
    first, second = (_rows(digit_features, slice(a, a + 50)) for a in (0, 50))

    def kernel(a: Features, b: Features) -> torch.Tensor:
        return (a.fid.double() @ b.fid.double().T / a.fid.shape[1] + 1) ** 3

    within = [kernel(each, each).fill_diagonal_(0).sum() / (50 * 49) for each in (first, second)]
    expected = sum(within) - 2 * kernel(first, second).mean()
    found = generation_metrics(first, second, seed=3).metrics["kid"]
    assert found == pytest.approx(float(expected), abs=1e-5)


def test_too_few_images_are_an_error_and_not_a_number(digit_features: Features):
    with pytest.raises(ValueError, match="at least 10 images, found 9"):
        generation_metrics(_rows(digit_features, slice(0, 9)), digit_features, seed=0)


def test_equal_seeds_give_equal_numbers_and_fid_has_none(digit_features: Features):
    first, second = (_rows(digit_features, slice(a, a + 700)) for a in (0, 700))
    once, again, large = (
        generation_metrics(first, second, seed=seed).metrics for seed in (1, 1, 2**63 + 1)
    )
    assert once == again == large  # seeds are taken modulo 2^32
    other = generation_metrics(first, second, seed=2).metrics
    assert other["fid"] == once["fid"]
    assert other["inception_score"] != once["inception_score"]
