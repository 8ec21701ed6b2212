import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from rgm_bench.metrics.pixel import NARROW_WINDOW, WIDE_WINDOW, pixel_scores, psnr, ssim

SHAPES = [(1, 8, 8), (3, 8, 8), (1, 28, 28), (3, 32, 32), (3, 11, 20), (1, 7, 7)]


def pair(shape: tuple[int, ...], num: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    clean = torch.rand(num, *shape, generator=rng) * 2 - 1
    return clean + 0.3 * torch.randn(clean.shape, generator=rng), clean


def unit(x: torch.Tensor) -> np.ndarray:
    return ((x.double() + 1) / 2).clamp(0, 1).numpy()


@pytest.mark.parametrize("shape", SHAPES)
def test_psnr_is_that_of_scikit_image(shape) -> None:
    restored, clean = pair(shape)
    expected = [
        peak_signal_noise_ratio(unit(b), unit(a), data_range=1)
        for a, b in zip(restored, clean, strict=True)
    ]
    assert psnr(restored, clean).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_ssim_is_that_of_scikit_image(shape) -> None:
    restored, clean = pair(shape)
    size, std = WIDE_WINDOW if min(shape[1:]) >= 11 else NARROW_WINDOW
    expected = [
        structural_similarity(
            unit(a),
            unit(b),
            win_size=size,
            gaussian_weights=True,
            sigma=std,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=0,
        )
        for a, b in zip(restored, clean, strict=True)
    ]
    assert ssim(restored, clean).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("offset", [0.02, 0.2, 1.0])
def test_psnr_of_a_known_error_has_its_closed_form(offset) -> None:
    """An offset in pixels from -1 to 1 is half as large in pixels from 0 to 1."""
    clean = torch.zeros(3, 1, 8, 8)
    expected = torch.full((3,), -20.0) * torch.tensor(offset / 2).log10()
    torch.testing.assert_close(psnr(clean + offset, clean), expected)


def test_psnr_of_noise_is_minus_the_decibels_of_its_variance() -> None:
    noise = torch.randn(2, 3, 200, 200, generator=torch.Generator().manual_seed(0))
    clean = torch.zeros_like(noise)
    assert psnr(0.1 * noise, clean).tolist() == pytest.approx([26.02] * 2, abs=0.05)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_image_is_like_itself(shape) -> None:
    _, clean = pair(shape)
    torch.testing.assert_close(ssim(clean, clean), torch.ones(4))
    assert psnr(clean, clean).tolist() == [float("inf")] * 4


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_symmetric_and_of_each_image_alone(shape) -> None:
    restored, clean = pair(shape)
    for score in (psnr, ssim):
        torch.testing.assert_close(score(restored, clean), score(clean, restored))
        single = torch.cat([score(restored[i : i + 1], clean[i : i + 1]) for i in range(4)])
        torch.testing.assert_close(score(restored, clean), single)


def test_pixels_out_of_range_are_clamped() -> None:
    restored, clean = pair((3, 16, 16))
    outside = torch.where(restored.abs() >= 1, 5 * restored, restored)
    for score in (psnr, ssim):
        torch.testing.assert_close(score(outside, clean), score(restored, clean))


def test_more_noise_scores_lower() -> None:
    restored, clean = pair((3, 32, 32))
    worse = 2 * restored - clean
    for score in (psnr, ssim):
        assert (score(worse, clean) < score(restored, clean)).all()


def test_a_mean_is_over_images() -> None:
    restored, clean = pair((3, 8, 8))
    means = pixel_scores(restored, clean).means()
    assert means["psnr"] == pytest.approx(sum(psnr(restored, clean).tolist()) / 4)
    assert means["ssim"] == pytest.approx(sum(ssim(restored, clean).tolist()) / 4)


def test_ssim_says_what_is_too_small() -> None:
    with pytest.raises(ValueError, match="a side of 6 pixels; its smallest window is 7"):
        ssim(torch.zeros(1, 1, 6, 9), torch.zeros(1, 1, 6, 9))
