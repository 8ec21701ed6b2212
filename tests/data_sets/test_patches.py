import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import avg_pool2d

from rgm_bench.data import contents
from rgm_bench.data.images import load_images
from rgm_bench.data.location import photograph_files
from rgm_bench.data.patches import read_patches
from rgm_bench.errors import DataError, MissingDataError

DIGESTS = {
    ("train", 16): "36e01f55481a119ae244145238715d4900495c696da848b393a902db700d13d3",
    ("test", 16): "4cd4ba5a3e1c9b075284c773f8409055fc2321a46ea6254267eb536ed9b0d60c",
    ("train", 32): "f218781fab3d55f9955b873692a1c6b68f801ae66c4891a54064c2fb08a0d3d7",
    ("test", 32): "b343d2199692d28f3a90d2850af8d1f962abaada6a6e799cc9a669f48733d60e",
}


@pytest.mark.parametrize(("split", "size"), DIGESTS)
def test_the_patches_never_drift(split: contents.Split, size: int):
    images = load_images(kind="natural_patches", split=split, image_size=size)
    found = hashlib.sha256(images.numpy().tobytes()).hexdigest()
    assert found == DIGESTS[split, size], (
        f"natural_patches {split} {size} changed: scikit-image, scikit-learn or Pillow ships other "
        "photographs, or decodes or averages them otherwise. Scores before and after cannot be "
        "compared; if that is wanted, write the new digest here and say so in the changelog"
    )


@pytest.mark.parametrize("split", ["train", "test"])
def test_both_sizes_show_the_same_views(split: contents.Split):
    large, small = (
        load_images(kind="natural_patches", split=split, image_size=size).float()
        for size in (32, 16)
    )
    assert len(large) == len(small) == contents.NUM_IMAGES["natural_patches", split]
    assert (avg_pool2d(large, 2) - small).abs().max() <= 1  # both were rounded


def test_no_photograph_is_in_both_splits():
    train, test = (
        {path.read_bytes() for path in photograph_files(split)} for split in ("train", "test")
    )
    assert len(train) == 5
    assert len(test) == 2
    assert not train & test


@pytest.mark.parametrize(("split", "stride"), [("train", 16), ("test", 24)])
def test_patches_are_a_grid_of_averages(tmp_path: Path, split: contents.Split, stride: int):
    pixels = np.random.default_rng(0).integers(0, 256, (131, 150, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_patches([tmp_path / "a.png"], split, 32).double()
    whole = torch.from_numpy(pixels).permute(2, 0, 1)
    expected = [
        avg_pool2d(whole[:, top : top + 64, left : left + 64].double(), 2)
        for top in range(0, 131 - 64 + 1, stride)
        for left in range(0, 150 - 64 + 1, stride)
    ]
    assert len(found) == len(expected)
    for patch in expected:
        assert (found - patch).abs().amax((1, 2, 3)).min() <= 0.5


def test_the_first_patches_show_all_photographs():
    images = load_images(kind="natural_patches", split="test", image_size=16)
    of_cat = {
        patch.numpy().tobytes() for patch in read_patches(photograph_files("test")[:1], "test", 16)
    }
    share = sum(patch.numpy().tobytes() in of_cat for patch in images[:100]) / 100
    assert abs(share - len(of_cat) / len(images)) < 0.15


@pytest.mark.parametrize("size", [None, 8, 64])
def test_other_sizes_are_refused(size: int | None):
    with pytest.raises(ValueError, match="16 or 32"):
        load_images(kind="natural_patches", split="test", image_size=size)


def test_a_photograph_that_no_package_ships_is_missing(monkeypatch: pytest.MonkeyPatch):
    names = ("skimage/data/no_such.png", "sklearn/datasets/images/china.jpg")
    monkeypatch.setitem(contents.PHOTOGRAPHS, "test", names)
    with pytest.raises(MissingDataError, match=r"without .*no_such\.png\n") as caught:
        load_images(kind="natural_patches", split="test", image_size=16)
    assert "pip install scikit-image scikit-learn" in str(caught.value)


def test_a_package_that_is_not_installed_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(contents.PHOTOGRAPHS, "test", ("no_such_package/a.png",))
    with pytest.raises(MissingDataError, match=r"without no_such_package/a\.png"):
        load_images(kind="natural_patches", split="test", image_size=16)


def test_a_broken_photograph_is_refused_by_its_name(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png cannot be read"):
        read_patches([tmp_path / "a.png"], "train", 16)
