import hashlib
from pathlib import Path

import pytest
import torch

from rgm_bench.data.contents import NUM_IMAGES, DataKind
from rgm_bench.data.images import load_images, load_labels, to_uint8, to_unit_range


def test_all_256_values_come_back_exactly():
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(to_uint8(to_unit_range(values)), values)


def test_the_unit_range_is_minus_one_to_one():
    ends = to_unit_range(torch.tensor([0, 255], dtype=torch.uint8).reshape(1, 1, 1, 2))
    assert ends.flatten().tolist() == [-1.0, 1.0]


def test_what_is_outside_is_clamped_and_the_middle_goes_to_even():
    pixels = torch.tensor([-7.0, -1.001, 0.0, 1.001, 7.0]).reshape(1, 1, 1, 5)
    assert to_uint8(pixels).flatten().tolist() == [0, 0, 128, 255, 255]


def test_rounding_is_to_the_nearest():
    pixels = torch.linspace(-1, 1, 2001, dtype=torch.float64).reshape(1, 1, 1, -1)
    error = (pixels + 1) * 127.5 - to_uint8(pixels)
    assert error.abs().max() <= 0.5


SPLITS_OF_DIGITS = {
    "train": (1437, "cf523fcf146ab6c4a2fc65ac83b5a8f7bbca3d816b439954e27c285d3462cf27"),
    "test": (360, "99ac20baf448e93ec299f54c03a2c33ee412f212ef1a8cfed87dcecc7d550da9"),
}


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_split_of_digits_never_drifts(split: str):
    number, digest = SPLITS_OF_DIGITS[split]
    images, labels = (
        load_images(kind="digits", split=split),
        load_labels(kind="digits", split=split),
    )
    assert images.shape == (number, 1, 8, 8)
    assert hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest() == digest


def test_digits_are_stratified_and_use_the_whole_range():
    for split, each in (("train", 143.7), ("test", 36.0)):
        counts = load_labels(kind="digits", split=split).bincount(minlength=10)
        assert (counts / each - 1).abs().max() < 0.05
        images = load_images(kind="digits", split=split)
        assert (images.min(), images.max()) == (0, 255)
        assert set(images.unique().tolist()) == {round(v * 255 / 16) for v in range(17)}


def test_no_digit_is_in_both_splits_more_often_than_in_the_file():
    from sklearn.datasets import load_digits

    both = torch.cat([load_images(kind="digits", split=split) for split in ("train", "test")])
    whole = torch.from_numpy(load_digits().images * 255 / 16).round().to(torch.uint8)
    rows = both.flatten(1).unique(dim=0, return_counts=True)
    expected = whole.flatten(1).unique(dim=0, return_counts=True)
    assert all(torch.equal(row, other) for row, other in zip(rows, expected, strict=True))


def test_the_numbers_known_without_reading_are_true():
    for split in ("train", "test"):
        assert len(load_images(kind="digits", split=split)) == NUM_IMAGES["digits", split]


@pytest.mark.parametrize("kind", ["natural_patches", "celeba_hq_256", "lsun_church"])
def test_a_set_without_classes_has_no_labels(kind: DataKind):
    with pytest.raises(ValueError, match=f"{kind} has no labels"):
        load_labels(kind=kind, split="train")


def test_an_image_folder_needs_a_size(root: Path):
    (root / "cats/train").mkdir(parents=True)
    (root / "cats/train/a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="image_size"):
        load_images(kind="image_folder", split="train", name="cats")
