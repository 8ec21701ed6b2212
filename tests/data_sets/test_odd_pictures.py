import logging
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rgm_bench.data.folder import shown
from rgm_bench.data.images import load_images
from rgm_bench.errors import DataError
from rgm_bench.image_metrics.files import open_images
from tests.data_sets.odd_pictures import Odd, Pixels, odd_pictures

ALL = tuple(odd_pictures())
MEASURED = [odd for odd in ALL if odd.right is not None]
NAMED = [odd for odd in ALL if odd.right is None]


def write(root: Path, odd: Odd) -> Path:
    path = Path(os.fsdecode(os.fsencode(root / "odd/train") + b"/" + odd.name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(odd.content)
    return path


def evaluated(root: Path) -> Pixels:
    (block,) = open_images(root / "odd/train").blocks()
    assert len(block) == 1
    return np.broadcast_to(block[0].permute(1, 2, 0), (*block.shape[2:], 3))


def of_a_study(root: Path, size: int) -> Pixels:
    (found,) = load_images(kind="image_folder", split="train", name="odd", image_size=size)
    return found.permute(1, 2, 0).numpy()


def test_there_are_more_than_two_hundred() -> None:
    assert len(MEASURED) >= 150
    assert len(NAMED) >= 50
    assert len({odd.title for odd in ALL}) == len(ALL)


@pytest.mark.parametrize("odd", MEASURED, ids=lambda odd: odd.title)
def test_it_is_measured_as_the_arrays_and_another_reader_say(root: Path, odd: Odd) -> None:
    write(root, odd)
    assert odd.right is not None
    np.testing.assert_array_equal(evaluated(root), odd.right)
    height, width = odd.right.shape[:2]
    if height == width:
        np.testing.assert_array_equal(of_a_study(root, height), odd.right)


@pytest.mark.parametrize("odd", NAMED, ids=lambda odd: odd.title)
def test_it_is_named_wherever_pictures_are_read(
    root: Path, odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(root, odd)
    ordinary = root / "odd/train/ordinary.png"
    Image.new("RGB", (16, 16)).save(ordinary)
    for read in (lambda: evaluated(root), lambda: of_a_study(root, 16)):
        caplog.clear()
        refused = ""
        with caplog.at_level(logging.WARNING, "rgm_bench"):
            try:
                read()
            except DataError as error:
                refused = str(error)
        assert odd.said in (refused or caplog.text)
        assert not refused or shown(path) in refused
