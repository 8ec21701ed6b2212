import pytest
import torch
import torch.nn.functional as F

from rgm_bench.forward.operators import (
    BlockAverage,
    ChannelMean,
    Inpainting,
    Projection,
)
from tests.reference.inverse import PROBLEMS, operator_differences


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(2, 3, 8, 12, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("task", PROBLEMS)
def test_operators_equal_the_published_ones(task) -> None:
    found = operator_differences(task)
    assert len(found) == 4
    assert all(value < 1e-6 for value in found.values()), found


def test_the_projection_of_block_means_is_the_small_image_upsampled(x) -> None:
    upsampled = F.interpolate(F.avg_pool2d(x, 4), scale_factor=4)
    torch.testing.assert_close(Projection(BlockAverage(4)).apply(x), upsampled)


def test_block_means_of_block_means_are_those_of_larger_blocks(x) -> None:
    torch.testing.assert_close(BlockAverage(2).apply(BlockAverage(2).apply(x)), F.avg_pool2d(x, 4))


def test_the_projection_of_a_channel_mean_has_the_mean_of_its_image(x) -> None:
    operator = ChannelMean()
    grey = Projection(operator).apply(x)
    torch.testing.assert_close(operator.apply(grey), operator.apply(x))
    torch.testing.assert_close(grey[:, 0], grey[:, 2])


@pytest.mark.parametrize(("side", "top", "left"), [(2, 3, 5), (3, 2, 4), (8, 0, 2)])
def test_a_centred_box_hides_the_middle_and_nothing_else(x, side, top, left) -> None:
    seen = Inpainting.centred_box(height=8, width=12, side=side).apply(x)
    expected = x.clone()
    expected[:, :, top : top + side, left : left + side] = 0
    assert torch.equal(seen, expected)


def test_what_a_measurement_says_of_hidden_pixels_is_ignored(x) -> None:
    operator = Inpainting.centred_box(height=8, width=12, side=4)
    y = operator.apply(x)
    noisy = y + (1 - operator.mask) * 5
    assert torch.equal(operator.prox(x, noisy, 3.0), operator.prox(x, y, 3.0))
    assert torch.equal(operator.pseudo_inverse(noisy), y)


@pytest.mark.parametrize("mask", [torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0, 1, 2])])
def test_a_mask_of_greys_is_refused(mask) -> None:
    with pytest.raises(ValueError, match="nothing between"):
        Inpainting(mask)


@pytest.mark.parametrize("side", [0, 9])
def test_a_box_that_does_not_fit_is_refused(side) -> None:
    with pytest.raises(ValueError, match=r"its side must be from 1 to 8"):
        Inpainting.centred_box(height=8, width=12, side=side)


def test_blocks_that_do_not_fill_an_image_are_refused(x) -> None:
    with pytest.raises(ValueError, match=r"8x12; height and width must be multiples of 5"):
        BlockAverage(5).apply(x)
    with pytest.raises(ValueError, match="the least is 1"):
        BlockAverage(0)


def test_a_channel_mean_of_other_channels_is_refused(x) -> None:
    with pytest.raises(ValueError, match="images of 3 channels; the mean has weights for 2"):
        ChannelMean((0.5, 0.5)).apply(x)
    with pytest.raises(ValueError, match="must not be 0"):
        ChannelMean((0.0, 0.0))
