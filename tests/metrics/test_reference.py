from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rgm_bench.metrics.fidelity import Extractor, Features
from rgm_bench.metrics.reference import reference_features

KEYS: dict[str, Any] = {"data_key": '{"kind": "digits"}', "split": "train", "number": 40}


class _Blocks:
    """Images that count how often they were asked for."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images, self.asked = images, 0

    def __call__(self) -> Iterator[torch.Tensor]:
        self.asked += 1
        yield from self.images.split(16)


@pytest.fixture
def blocks(digits: torch.Tensor) -> _Blocks:
    return _Blocks(digits[:40])


def _equal(first: Features, second: Features) -> bool:
    return torch.equal(first.fid, second.fid) and torch.equal(first.logits, second.logits)


def test_what_is_cached_has_the_same_bits_and_is_not_seen_again(
    extractor: Extractor, blocks: _Blocks, tmp_path: Path
):
    folder = tmp_path / "store/references"
    seen = reference_features(extractor, blocks, folder=folder, **KEYS)
    cached = reference_features(extractor, blocks, folder=folder, **KEYS)
    assert blocks.asked == 1
    assert _equal(seen, cached)
    (path,) = folder.iterdir()
    assert path.suffix == ".safetensors"
    fresh = tmp_path / "fresh"
    fresh.touch()
    assert path.stat().st_mode == fresh.stat().st_mode  # as the umask says: stores are shared


@pytest.mark.parametrize("change", [{"data_key": "../other"}, {"split": "test"}, {"number": 32}])
def test_another_key_is_seen_anew(
    extractor: Extractor, blocks: _Blocks, tmp_path: Path, change: dict[str, Any]
):
    reference_features(extractor, blocks, folder=tmp_path, **KEYS)
    blocks.images = blocks.images[:32] if "number" in change else blocks.images
    reference_features(extractor, blocks, folder=tmp_path, **(KEYS | change))
    assert blocks.asked == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_other_weights_under_an_old_name_are_seen_anew(blocks: _Blocks, tmp_path: Path):
    """torch-fidelity's own cache would answer with the features of the old weights."""
    extractor = Extractor("digits_cnn_v1")
    reference_features(extractor, blocks, folder=tmp_path, **KEYS)
    extractor.weights_sha256 = 64 * "0"
    reference_features(extractor, blocks, folder=tmp_path, **KEYS)
    assert blocks.asked == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"\xff" * len(content),
        lambda content: content.replace(b"digits", b"others"),
    ],
)
def test_a_corrupt_file_is_seen_anew_and_mended(
    extractor: Extractor,
    blocks: _Blocks,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
):
    seen = reference_features(extractor, blocks, folder=tmp_path, **KEYS)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert _equal(reference_features(extractor, blocks, folder=tmp_path, **KEYS), seen)
    assert blocks.asked == 2
    assert path.read_bytes() == whole


def test_another_number_of_images_than_promised_is_an_error(
    extractor: Extractor, blocks: _Blocks, tmp_path: Path
):
    with pytest.raises(ValueError, match="expected 41 reference images, was given 40"):
        reference_features(extractor, blocks, folder=tmp_path, **(KEYS | {"number": 41}))
    assert not list(tmp_path.iterdir())
