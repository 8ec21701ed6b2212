import hashlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import lmdb
import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.data.contents import LSUN_CHURCH_FOLDERS, NUM_IMAGES
from rgm_bench.data.images import first_images, load_images
from rgm_bench.data.lsun import read_lsun_church
from rgm_bench.errors import DataError, MissingDataError

NUM = 6


def _picture(number: int, height: int = 16, width: int = 24) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def _key(number: int) -> bytes:
    return hashlib.sha1(str(number).encode()).hexdigest().encode()


ORDER = sorted(range(NUM), key=_key)
"""The pictures in the order of their keys, which is not that in which they were written."""


def _webp(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "webp", lossless=True)
    return stream.getvalue()


def _write(path: Path, values: dict[bytes, bytes]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(path), map_size=2**22) as database, database.begin(write=True) as writing:
        for key, value in values.items():
            writing.put(key, value)


@pytest.fixture
def folder(root: Path) -> Path:
    """Both LMDBs with webp values under hexadecimal keys, as they are published."""
    folder = root / "lsun_church"
    for split, first in (("train", 0), ("test", 100)):
        values = {_key(number): _webp(_picture(first + number)) for number in range(NUM)}
        _write(folder / LSUN_CHURCH_FOLDERS[split], values)
    return folder


def _middle(number: int) -> torch.Tensor:
    return torch.from_numpy(_picture(number)[:, 4:20]).permute(2, 0, 1)


def test_pictures_come_in_the_order_of_their_keys_and_from_the_middle(folder: Path):
    images = read_lsun_church(folder, "train", num=NUM, image_size=16)
    assert list(range(NUM)) != ORDER
    assert torch.equal(images, torch.stack([_middle(number) for number in ORDER]))


def test_the_first_are_used(folder: Path):
    images = read_lsun_church(folder, "train", num=2, image_size=16)
    assert torch.equal(images, torch.stack([_middle(number) for number in ORDER[:2]]))


def test_the_test_split_is_the_validation_set(folder: Path):
    images = read_lsun_church(folder, "test", num=NUM, image_size=16)
    assert torch.equal(images, torch.stack([_middle(100 + number) for number in ORDER]))


def test_larger_pictures_are_resized_without_aliases(folder: Path):
    path = folder / LSUN_CHURCH_FOLDERS["train"]
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    _write(path, {b"0": _webp(np.repeat(board[..., None], 3, 2))})
    first = read_lsun_church(folder, "train", num=1, image_size=8)[0]
    assert (first.float() - 127.5).abs().max() < 4


def test_it_is_decoded_once_and_anew_after_a_change(folder: Path):
    first = read_lsun_church(folder, "train", num=NUM, image_size=16)
    path = folder / LSUN_CHURCH_FOLDERS["train"]
    decoded = list(folder.parent.glob("decoded/lsun_church-train-16-*.npy"))
    assert len(decoded) == 1
    assert torch.equal(read_lsun_church(folder, "train", num=NUM, image_size=16), first)
    _write(path, {_key(ORDER[0]): _webp(255 - _picture(ORDER[0]))})
    changed = read_lsun_church(folder, "train", num=NUM, image_size=16)
    assert torch.equal(changed[0], 255 - first[0])
    assert torch.equal(changed[1:], first[1:])


def test_a_folder_that_cannot_be_written_is_read(folder: Path):
    """No lock file is made or asked for."""
    path = folder / LSUN_CHURCH_FOLDERS["train"]
    (path / "lock.mdb").unlink()
    read_lsun_church(folder, "train", num=NUM, image_size=16)
    assert [file.name for file in path.iterdir()] == ["data.mdb"]


@pytest.mark.parametrize("content", [b"", b"no picture", _webp(_picture(0))[:200]])
def test_a_corrupt_value_is_named_by_its_key(folder: Path, content: bytes):
    path, key = folder / LSUN_CHURCH_FOLDERS["train"], _key(ORDER[3])
    _write(path, {key: content})
    with pytest.raises(DataError, match="cannot be read as a picture") as caught:
        read_lsun_church(folder, "train", num=NUM, image_size=16)
    assert f"key {key.decode()} in {path}" in str(caught.value)
    assert len(read_lsun_church(folder, "train", num=3, image_size=16)) == 3


def test_a_part_of_the_set_is_refused(folder: Path):
    with pytest.raises(DataError, match="holds 6 pictures, expected 120000 or more"):
        load_images(kind="lsun_church", split="train")


@pytest.mark.parametrize("place", ["lsun_church", "lsun"])
def test_it_is_found_below_the_data_root(folder: Path, place: str, monkeypatch: pytest.MonkeyPatch):
    folder.rename(folder.parent / place)
    monkeypatch.setitem(NUM_IMAGES, ("lsun_church", "test"), 1)
    images = load_images(kind="lsun_church", split="test")
    assert images.shape == (1, 3, 256, 256)


def test_without_its_data_it_is_missing(folder: Path):
    (folder / LSUN_CHURCH_FOLDERS["train"] / "data.mdb").unlink()
    with pytest.raises(MissingDataError, match=r"without church_outdoor_train_lmdb/data\.mdb"):
        load_images(kind="lsun_church", split="train")


READ_EACH = """
import sys
from pathlib import Path
from rgm_bench.data.lsun import read_lsun_church
from rgm_bench.errors import DataError
for folder in sys.argv[1:]:
    try:
        read_lsun_church(Path(folder), 'train', num=6, image_size=16)
    except DataError as error:
        print(error)
"""


def test_a_truncated_database_is_refused_and_kills_nobody(folder: Path):
    """In a process of its own: what lies beyond the end of a mapped file ends a process."""
    whole = (folder / LSUN_CHURCH_FOLDERS["train"] / "data.mdb").read_bytes()
    lengths = (0, 100, 8192, len(whole) // 2, len(whole) - 1)
    parts = [folder.parent / str(length) / LSUN_CHURCH_FOLDERS["train"] for length in lengths]
    for part, length in zip(parts, lengths, strict=True):
        part.mkdir(parents=True)
        (part / "data.mdb").write_bytes(whole[:length])
    ran = subprocess.run(
        [sys.executable, "-c", READ_EACH, *(str(part.parent) for part in parts)],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert len(said) == len(parts)
    for text, part in zip(said, parts, strict=True):
        assert "unpack its archive again" in text
        assert str(part) in text


def test_another_file_is_refused(folder: Path):
    data = folder / LSUN_CHURCH_FOLDERS["train"] / "data.mdb"
    data.write_bytes(bytes(range(256)) * 256)
    with pytest.raises(DataError, match="cannot be read"):
        read_lsun_church(folder, "train", num=NUM, image_size=16)


def test_without_the_package_it_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingDataError, match="pip install lmdb"):
        read_lsun_church(folder, "train", num=NUM, image_size=16)


def test_the_first_pictures_are_read_without_decoding_the_others(folder: Path, root: Path):
    for number in range(NUM):
        _write(
            folder / LSUN_CHURCH_FOLDERS["train"],
            {_key(number): _webp(_picture(number, height=256, width=300))},
        )
    images = first_images(kind="lsun_church", split="train", num=2)
    expected = read_lsun_church(folder, "train", num=NUM)[:2]
    assert torch.equal(images, expected)
