"""How far a restored image is from the clean one, pixel by pixel and structure by structure.

torchmetrics takes 2.7 s to import, so it is imported by the first score and not before.
"""

from dataclasses import dataclass
from typing import final

from rgm_bench.types import Image, PerSample

WIDE_WINDOW, NARROW_WINDOW = (11, 1.5), (7, 0.95)
"""Side in pixels and standard deviation of the windows of SSIM."""


@final
@dataclass(frozen=True)
class PixelScores:
    """Scores of a set of images, one for each: `psnr` in decibels, `ssim` from -1 to 1."""

    psnr: PerSample
    ssim: PerSample

    def means(self) -> dict[str, float]:
        """The mean of each score over the images; infinite where one PSNR is."""
        return {"psnr": self.psnr.mean().item(), "ssim": self.ssim.mean().item()}


def pixel_scores(restored: Image, clean: Image) -> PixelScores:
    """PSNR and SSIM of images with pixels from -1 to 1."""
    return PixelScores(psnr(restored, clean), ssim(restored, clean))


def psnr(restored: Image, clean: Image) -> PerSample:
    """The peak signal-to-noise ratio of each image, in decibels.

    On pixels from 0 to 1, clamped, so the peak is 1; the error is a mean over pixels and channels.
    Infinite for equal images. The mean over images is of decibels, not of errors, as is usual.
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio

    return peak_signal_noise_ratio(
        _unit(restored), _unit(clean), data_range=1.0, dim=(1, 2, 3), reduction="none"
    )


def ssim(restored: Image, clean: Image) -> PerSample:
    """The structural similarity of each image, 1 for equal images.

    On pixels from 0 to 1, clamped; a mean over channels and over all places where the window lies
    in the image. The window is Gaussian: 11 pixels wide with a standard deviation of 1.5 where
    it fits, else 7 pixels with 0.95. So values of images below 11 pixels a side are not comparable
    with those of larger ones.

    Source: Wang et al. 2004, Eq. (13) and Sec. III-C, without its reduction to 256 pixels; the
    narrow window is ours, in the same proportion.

    Raises:
        ValueError: the images are less than 7 pixels high or wide.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    size, std = _window(min(clean.shape[-2:]))
    _, places = structural_similarity_index_measure(
        _unit(restored),
        _unit(clean),
        sigma=std,
        kernel_size=size,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    # torchmetrics mirrors the image beyond its edges, which the paper does not
    margin = size // 2
    return places[..., margin:-margin, margin:-margin].flatten(1).mean(1)


def _window(side: int) -> tuple[int, float]:
    for size, std in (WIDE_WINDOW, NARROW_WINDOW):
        if size <= side:
            return size, std
    raise ValueError(
        f"SSIM of images with a side of {side} pixels; its smallest window is {NARROW_WINDOW[0]}"
    )


def _unit(x: Image) -> Image:
    return ((x + 1) / 2).clamp(0, 1)
