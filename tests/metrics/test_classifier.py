from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import nn

from rgm_bench.data.location import locate
from rgm_bench.errors import DataError, MissingDataError
from rgm_bench.metrics.classifier import (
    ClassifierName,
    load_classifier,
    new_classifier,
    read_record,
    weights_file,
)
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.metrics.train_extractor import accuracy, examples, plain_images

NAMES: tuple[ClassifierName, ...] = get_args(ClassifierName)
SHA256 = {
    "digits_cnn_v1": "e39703575ced98ee77a911189b95128c3f1d833c3b85f0ccc7654c1b5a720184",
    "fashion_mnist_cnn_v1": "9158d357930a7d92186e12a71e9d6eb5572b27c3bd087ff30b8528a8d12c0aee",
    "patches16_cnn_v1": "3631f06a33e9799eb291ab4c16751dc4055316fb3e9eafab4aeb85e2147e88f0",
}
LEAST_ACCURACY = {"digits_cnn_v1": 0.97, "fashion_mnist_cnn_v1": 0.90, "patches16_cnn_v1": 0.55}
"""That of patches is of eight damages, in photographs it has not seen."""


def _have(record: dict[str, Any]) -> bool:
    try:
        locate(record["recipe"]["data"], split="test")
    except MissingDataError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_shipped_weights_never_change(name: ClassifierName):
    """Other weights give other FIDs, so they get another name."""
    assert file_sha256(weights_file(name)) == SHA256[name]


@pytest.mark.parametrize("name", NAMES)
def test_shipped_weights_are_small(name: ClassifierName):
    assert weights_file(name).stat().st_size < 500_000


@pytest.mark.parametrize("name", NAMES)
def test_shipped_weights_are_as_accurate_as_recorded(name: ClassifierName):
    record = read_record(weights_file(name))
    assert record["name"] == name
    assert record["test_accuracy"] >= LEAST_ACCURACY[name]
    if not _have(record):
        pytest.skip("needs the Debian package dataset-fashion-mnist")
    images, labels = examples(name, "test")
    found = accuracy(load_classifier(name), images, labels)
    assert found == pytest.approx(record["test_accuracy"], abs=2 / len(images))


@pytest.mark.parametrize("name", NAMES)
def test_no_unit_can_die(name: ClassifierName):
    units = [m for m in new_classifier(name).modules() if not isinstance(m, nn.Sequential)]
    assert any(isinstance(unit, nn.SiLU) for unit in units)
    assert not any(isinstance(unit, nn.ReLU) for unit in units)


@pytest.mark.parametrize("name", ["digits_cnn_v1", "patches16_cnn_v1"])
def test_features_of_the_training_images_have_unit_mean_square(name: ClassifierName):
    features, _ = load_classifier(name)(plain_images(name, "train"))
    assert features.square().mean() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_only_networks_of_colour_images_see_colour(name: ClassifierName):
    network = load_classifier(name)
    size, generator = network.image_size, torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4, 3, size, size), dtype=torch.uint8, generator=generator)
    features, recoloured = (network(seen)[0] for seen in (images, images.flip(1)))
    assert torch.allclose(features, recoloured, atol=1e-4) == (network.channels == 1)


@pytest.mark.parametrize("name", NAMES)
def test_one_grey_channel_and_three_equal_ones_are_the_same(name: ClassifierName):
    network = load_classifier(name)
    size, generator = network.image_size, torch.Generator().manual_seed(0)
    grey = torch.randint(0, 256, (4, 1, size, size), dtype=torch.uint8, generator=generator)
    assert torch.equal(network(grey)[0], network(grey.expand(-1, 3, -1, -1))[0])


def test_a_missing_or_corrupt_file_says_so(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(DataError, match="install rgm-bench again"):
        load_classifier("digits_cnn_v1", path)
    path.write_bytes(weights_file("digits_cnn_v1").read_bytes()[:-5])
    with pytest.raises(DataError, match="does not hold the weights of digits_cnn_v1"):
        load_classifier("digits_cnn_v1", path)


def test_the_weights_of_another_network_are_refused():
    with pytest.raises(DataError, match="does not hold the weights of digits_cnn_v1"):
        load_classifier("digits_cnn_v1", weights_file("fashion_mnist_cnn_v1"))
