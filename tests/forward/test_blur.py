import math

import pytest
import torch
import torch.nn.functional as F

from rgm_bench.forward.blur import Blur


def _normal(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_one_bright_pixel_becomes_the_kernel() -> None:
    kernel = _normal(3, 5)
    x = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    x[0, 0, 4, 4] = 1
    blurred = Blur(kernel).apply(x)[0, 0]
    torch.testing.assert_close(blurred[3:6, 2:7], kernel)
    torch.testing.assert_close(blurred.abs().sum(), kernel.abs().sum())


def test_it_is_a_convolution_that_wraps_around() -> None:
    x, kernel = _normal(2, 3, 7, 10), _normal(5, 3)
    padded = F.pad(x, (1, 1, 2, 2), mode="circular").reshape(6, 1, 11, 12)
    expected = F.conv2d(padded, kernel.flip(0, 1)[None, None]).reshape(x.shape)
    torch.testing.assert_close(Blur(kernel).apply(x), expected)


def test_a_kernel_larger_than_the_image_sees_its_repetitions() -> None:
    blur, x = Blur(_normal(7, 9)), _normal(1, 1, 4, 6)
    tiled = blur.apply(x.repeat(1, 1, 3, 3))
    torch.testing.assert_close(blur.apply(x), tiled[:, :, 4:8, 6:12])


@pytest.mark.parametrize("std", [1.0, 1.6, 2.3])
def test_a_gaussian_keeps_the_mean_and_spreads_by_its_deviation(std) -> None:
    blur, x = Blur.gaussian(std), _normal(1, 1, 32, 32)
    torch.testing.assert_close(blur.apply(x).mean(), x.mean())
    offsets = torch.arange(len(blur.kernel)) - len(blur.kernel) // 2
    spread = math.sqrt((blur.kernel.sum(0) * offsets.square()).sum())
    assert abs(spread / std - 1) < 0.02  # the part cut off at three deviations
    torch.testing.assert_close(blur.kernel, blur.kernel.T)


def test_what_is_blurred_comes_back_in_single_precision() -> None:
    blur, x = Blur.gaussian(0.7), _normal(1, 3, 15, 15).float()
    torch.testing.assert_close(blur.pseudo_inverse(blur.apply(x)), x, rtol=1e-3, atol=1e-4)


def test_a_kernel_without_a_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="a kernel of 3x4 has no pixel in its middle"):
        Blur(torch.ones(3, 4))
