from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.data.fingerprint import folder_fingerprint
from rgm_bench.data.images import load_images
from rgm_bench.data.pictures import read_pictures
from rgm_bench.errors import DataError


def _save(root: Path, name: str, pixels: np.ndarray, **options: object) -> None:
    path = root / "cats/train" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def _load(size: int) -> torch.Tensor:
    return load_images(kind="image_folder", split="train", name="cats", image_size=size)


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_picture_of_the_right_size_is_kept_exactly(root: Path):
    pixels = _noise(16, 16)
    _save(root, "a.png", pixels)
    np.testing.assert_array_equal(_load(16)[0].permute(1, 2, 0).numpy(), pixels)


@pytest.mark.parametrize("shape", [(16, 24), (24, 16)])
def test_the_middle_is_kept(root: Path, shape: tuple[int, int]):
    pixels = _noise(*shape)
    _save(root, "a.png", pixels)
    top, left = (shape[0] - 16) // 2, (shape[1] - 16) // 2
    middle = pixels[top : top + 16, left : left + 16]
    np.testing.assert_array_equal(_load(16)[0].permute(1, 2, 0).numpy(), middle)


def test_pictures_are_ordered_by_path_whatever_their_format(root: Path):
    for value, name in enumerate(("b.webp", "sub/a.jpg", "A.png", "c.jpeg")):
        _save(root, name, np.full((8, 8, 3), 60 * value, np.uint8))
    firsts = _load(8)[:, 0, 0, 0].int()
    expected = torch.tensor([120, 0, 180, 60])  # A.png, b.webp, c.jpeg, sub/a.jpg
    assert (firsts - expected).abs().max() <= 1


def test_a_fine_checkerboard_becomes_grey_and_not_an_alias(root: Path):
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    _save(root, "a.png", np.repeat(board[..., None], 3, 2))
    small = _load(8).float()
    assert (small - 127.5).abs().max() < 4


def test_all_that_cannot_be_used_are_told_in_one_error(root: Path):
    for name in ("a.png", "c.png", "d.png", "e.png"):
        _save(root, name, np.full((8, 8, 4), 9, np.uint8))
    _save(root, "b.png", _noise(8, 8))
    with pytest.raises(DataError, match="4 pictures cannot be used") as caught:
        _load(8)
    assert [name for name in "abcde" if f"{name}.png has transparent" in str(caught.value)] == [
        *"acd"
    ]


def test_a_folder_is_decoded_once(root: Path, monkeypatch: pytest.MonkeyPatch):
    _save(root, "a.png", _noise(16, 16))
    first = _load(8)
    monkeypatch.setattr("rgm_bench.data.pictures.read_rgb", None)
    assert torch.equal(_load(8), first)


def test_other_pictures_are_decoded_anew(root: Path):
    for seed in (0, 1):
        _save(root, "a.png", _noise(16, 16, seed))
        np.testing.assert_array_equal(_load(16)[0].permute(1, 2, 0).numpy(), _noise(16, 16, seed))


def test_where_the_data_root_cannot_be_written_they_are_decoded_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    _save(root, "a.png", _noise(16, 16))
    monkeypatch.setattr("os.access", lambda *_: False)
    np.testing.assert_array_equal(_load(16)[0].permute(1, 2, 0).numpy(), _noise(16, 16))
    assert not (root / "decoded").exists()


def test_other_pictures_than_those_of_the_fingerprint_are_refused(root: Path):
    _save(root, "a.png", _noise(16, 16))
    content = folder_fingerprint(root / "cats/train")
    _save(root, "a.png", _noise(16, 16, seed=1))
    with pytest.raises(DataError, match=f"holds other pictures .* expected {content}"):
        read_pictures(root / "cats/train", 16, name="cats-train", content=content)
    assert not list((root / "decoded").glob("*.npy"))
    _save(root, "a.png", _noise(16, 16))
    assert len(read_pictures(root / "cats/train", 16, name="cats-train", content=content)) == 1


def test_a_turned_photograph_stands_upright(root: Path):
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255
    turned = Image.fromarray(pixels).getexif()
    turned[0x0112] = 3  # upside down
    _save(root, "a.png", pixels, exif=turned)
    assert _load(16)[0, :, :8].max() == 0


def test_a_broken_picture_is_refused_by_its_name(root: Path):
    _save(root, "a.png", _noise(32, 32))
    path = root / "cats/train/a.png"
    whole = path.read_bytes()
    for content in (b"", b"no picture", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as a picture") as caught:
            _load(8)
        assert str(path) in str(caught.value)
