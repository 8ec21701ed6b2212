from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.data.celeba_hq import (
    first_of_celeba_hq,
    pictures_of_split,
    read_celeba_hq,
)
from rgm_bench.data.contents import CELEBA_HQ_MAPPING, CELEBA_PARTITION, NUM_IMAGES, Split
from rgm_bench.data.images import load_images
from rgm_bench.errors import DataError, MissingDataError

PARTS = {0: 0, 1: 1, 2: 0, 3: 2, 4: 0, 5: 1}
"""The part of CelebA that each picture is from."""


def _colour(index: int, size: int = 8) -> np.ndarray:
    return np.full((size, size, 3), (40 * index, 10, 200), np.uint8)


def _original(index: int) -> int:
    return 119_613 + 7 * index


@pytest.fixture
def folder(root: Path) -> Path:
    """Six pictures of 8x8 and both lists, as they are published."""
    folder = root / "celeba_hq_256"
    folder.mkdir()
    mapping = [f"{'idx':<8}{'orig_idx':<12}orig_file"]
    partition: list[str] = []
    for index, part in PARTS.items():
        original = _original(index)
        Image.fromarray(_colour(index)).save(folder / f"{index:05d}.png")
        mapping.append(f"{index:<8}{original:<12}{original + 1:06d}.jpg")
        partition.append(f"{original + 1:06d}.jpg {part}")
    (folder / CELEBA_HQ_MAPPING).write_text("\n".join(mapping) + "\n")
    # CelebA's list is of all its pictures, in an order of its own
    (folder / CELEBA_PARTITION).write_text("\n".join([*reversed(partition), "000001.jpg 0", ""]))
    return folder


def _firsts(images: torch.Tensor) -> list[int]:
    return [int(value) // 40 for value in images[:, 0, 0, 0]]


@pytest.mark.parametrize(("split", "indices"), [("train", [0, 2, 4]), ("test", [1, 5])])
def test_a_split_is_a_part_of_celeba_in_the_order_of_its_index(
    folder: Path, split: Split, indices: list[int]
):
    images = read_celeba_hq(folder, split, num=len(indices), image_size=8)
    expected = np.stack([_colour(index) for index in indices])
    assert torch.equal(images, torch.from_numpy(expected).permute(0, 3, 1, 2))


def test_names_may_be_without_zeros_and_of_any_format(folder: Path):
    for index, name in ((2, "2.jpg"), (4, "04.webp")):
        (folder / f"{index:05d}.png").unlink()
        Image.fromarray(_colour(index)).save(folder / name, quality=95)
    names = [path.name for path in pictures_of_split(folder, "train")]
    assert names == ["00000.png", "2.jpg", "04.webp"]
    images = read_celeba_hq(folder, "train", num=3, image_size=8)
    assert (images[:, 0].float().mean((1, 2)) - torch.tensor([0.0, 80, 160])).abs().max() < 3


def test_a_multiple_of_the_size_is_averaged_in_squares(folder: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "00000.png")
    found = read_celeba_hq(folder, "train", num=3, image_size=8)[0].permute(1, 2, 0)
    averages = pixels.reshape(8, 4, 8, 4, 3).astype(float).mean((1, 3))
    assert np.abs(found.numpy() - averages).max() <= 0.5


@pytest.mark.parametrize("shape", [(8, 16), (12, 12), (4, 4)])
def test_any_other_size_is_refused_by_its_name(folder: Path, shape: tuple[int, int]):
    Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(folder / "00002.png")
    with pytest.raises(DataError, match=r"00002\.png has \d+x\d+ pixels, expected 8x8"):
        read_celeba_hq(folder, "train", num=3, image_size=8)


def test_it_is_decoded_once_and_anew_after_a_change(folder: Path):
    read_celeba_hq(folder, "train", num=3, image_size=8)
    for path in folder.glob("*.png"):
        path.write_bytes(bytes(path.stat().st_size))  # nothing opens them again
    again = read_celeba_hq(folder, "train", num=3, image_size=8)
    assert _firsts(again) == [0, 2, 4]
    (folder / "00000.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"00000\.png cannot be read as a picture"):
        read_celeba_hq(folder, "train", num=3, image_size=8)


def test_a_part_of_the_set_is_refused(folder: Path):
    with pytest.raises(DataError, match=r"holds 3 pictures .* expected 24183") as caught:
        load_images(kind="celeba_hq_256", split="train")
    assert "image_folder" in str(caught.value)


def test_it_is_found_below_the_data_root(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(NUM_IMAGES, ("celeba_hq_256", "test"), 2)
    for index in (1, 5):
        Image.fromarray(_colour(index, 256)).save(folder / f"{index:05d}.png")
    images = load_images(kind="celeba_hq_256", split="test")
    assert images.shape == (2, 3, 256, 256)
    assert _firsts(images) == [1, 5]


@pytest.mark.parametrize("name", [CELEBA_HQ_MAPPING, CELEBA_PARTITION])
def test_without_a_list_it_is_missing(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(MissingDataError, match=f"without {name}"):
        load_images(kind="celeba_hq_256", split="train")


def test_without_pictures_it_is_missing(folder: Path):
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(MissingDataError, match=r"no \.png") as caught:
        load_images(kind="celeba_hq_256", split="train")
    assert "CelebAMask-HQ" in str(caught.value)


def _refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        pictures_of_split(folder, "train")
    return str(caught.value)


def test_a_missing_picture_is_named(folder: Path):
    (folder / "00002.png").unlink()
    assert "lacks 1 of the 3 pictures of the train split, the first 00002" in _refused(folder)


def test_a_picture_that_is_not_in_the_list_is_named(folder: Path):
    Image.fromarray(_colour(0)).save(folder / "00006.png")
    text = _refused(folder)
    assert str(folder / "00006.png") in text
    assert f"not in {CELEBA_HQ_MAPPING}" in text


def test_a_picture_without_an_index_and_a_second_one_are_named(folder: Path):
    Image.fromarray(_colour(0)).save(folder / "2.jpg")
    assert "have the same index" in _refused(folder)
    (folder / "2.jpg").rename(folder / "face.jpg")
    assert "face.jpg is not named by an index" in _refused(folder)


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        (CELEBA_HQ_MAPPING, "7 119700", "an index, an index in CelebA and a file name"),
        (CELEBA_HQ_MAPPING, "7 119700 119701.jpg 1", "found '7 119700 119701.jpg 1'"),
        (CELEBA_HQ_MAPPING, "seven 119700 119701.jpg", "found 'seven"),
        (CELEBA_HQ_MAPPING, "0 119700 119701.jpg", "each index once"),
        (CELEBA_HQ_MAPPING, "idx orig_idx orig_file", "found 'idx"),
        (CELEBA_PARTITION, "119701.jpg", "a file name and 0, 1 or 2"),
        (CELEBA_PARTITION, "119701.jpg 3", "found '119701.jpg 3'"),
        (CELEBA_PARTITION, "119701.jpg,0", "found '119701.jpg,0'"),
    ],
)
def test_a_line_of_another_form_is_named(folder: Path, name: str, line: str, found: str):
    path = folder / name
    lines = [*path.read_text().splitlines(), line]
    path.write_text("\n".join(lines))
    text = _refused(folder)
    assert f"{path}:{len(lines)}: " in text
    assert found in text


def test_a_partition_without_a_picture_is_refused(folder: Path):
    path = folder / CELEBA_PARTITION
    name = f"{_original(4) + 1:06d}.jpg"
    path.write_text("\n".join(row for row in path.read_text().splitlines() if name not in row))
    assert f"does not list {name}" in _refused(folder)


def test_a_list_that_is_no_text_is_refused(folder: Path):
    (folder / CELEBA_PARTITION).write_bytes(b"\xff\xfe\x00")
    assert f"{folder / CELEBA_PARTITION} cannot be read" in _refused(folder)


def test_the_first_pictures_are_read_without_decoding_the_others(folder: Path, root: Path):
    (folder / "00004.png").write_bytes(b"no picture")
    images = first_of_celeba_hq(folder, "train", num=2, image_size=8)
    assert _firsts(images) == [0, 2]
    assert not (root / "decoded").exists()
