import pytest
import torch
from scipy.ndimage import gaussian_filter

from rgm_bench.metrics import damage


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randint(0, 256, (50, 3, 16, 16), dtype=torch.uint8, generator=_generator())


def test_every_image_comes_once_for_each_damage_as_taken_first(images: torch.Tensor):
    versions, labels = damage.with_damages(images, seed=0)
    assert labels.tolist() == [label for label in range(len(damage.DAMAGES)) for _ in images]
    blocks = versions.split(len(images))
    assert torch.equal(blocks[0], images)
    assert torch.equal(blocks[damage.DAMAGES.index("grey")], damage.faded(images, 1.0))
    assert all(not torch.equal(block, images) for block in blocks[1:])


def test_equal_seeds_give_equal_examples(images: torch.Tensor):
    once, again, other = (damage.with_damages(images, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5])
def test_smoothing_is_that_of_scipy_rounded(images: torch.Tensor, sigma: float):
    expected = gaussian_filter(images.double().numpy(), (0, 0, sigma, sigma), mode="mirror")
    found = damage.smoothed(images, sigma).double().numpy()
    assert abs(found - expected).max() < 0.51


@pytest.mark.parametrize("level", [0, 7, 255])
def test_smoothing_and_fading_leave_one_colour_alone(level: int):
    plain = torch.full((2, 3, 16, 16), level, dtype=torch.uint8)
    for changed in (
        damage.smoothed(plain, 1.5),
        damage.faded(plain, 0.5),
        damage.faded(plain, 1.0),
    ):
        assert torch.equal(changed, plain)


@pytest.mark.parametrize("std", [8.0, 30.0])
def test_noise_has_its_standard_deviation_and_no_mean(std: float):
    plain = torch.full((200, 3, 16, 16), 128, dtype=torch.uint8)
    found = damage.noisy(plain, std, _generator()).double() - 128
    assert found.std() == pytest.approx(std, rel=0.01)
    assert found.mean() == pytest.approx(0, abs=4 * std / found.numel() ** 0.5)
    across = torch.corrcoef(found.transpose(0, 1).flatten(1))
    assert (across - torch.eye(3)).abs().max() < 0.02


def test_fading_goes_from_the_image_to_its_mean(images: torch.Tensor):
    assert torch.equal(damage.faded(images, 0.0), images)
    grey = damage.faded(images, 1.0)
    assert torch.equal(grey, grey[:, :1].expand_as(grey))
    assert (grey[:, 0] - images.float().mean(1)).abs().max() <= 0.5
    half = (images.float() + images.float().mean(1, keepdim=True)) / 2
    assert (damage.faded(images, 0.5) - half).abs().max() <= 0.5 + 1e-4


def test_quarters_move_whole_and_into_every_order_but_their_own():
    quarters = torch.arange(4, dtype=torch.uint8).reshape(2, 2)
    numbered = quarters.repeat_interleave(8, 0).repeat_interleave(8, 1).expand(2000, 3, 16, 16)
    found = damage.rearranged(numbered, _generator())
    corners = found[:, 0, ::8, ::8]
    assert torch.equal(found[:, 1], corners.repeat_interleave(8, 1).repeat_interleave(8, 2))
    orders = {tuple(order) for order in corners.flatten(1).tolist()}
    assert len(orders) == 23
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert (0, 1, 2, 3) not in orders


def test_pixels_keep_their_place_within_a_quarter(images: torch.Tensor):
    found = damage.rearranged(images, _generator())

    def pieces(image: torch.Tensor) -> set[bytes]:
        rows = image.split(8, 1)
        return {part.numpy().tobytes() for row in rows for part in row.split(8, 2)}

    assert all(pieces(a) == pieces(b) for a, b in zip(images, found, strict=True))
