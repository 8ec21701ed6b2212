import copy
import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from rgm_bench.data.location import locate
from rgm_bench.errors import MissingDataError
from rgm_bench.metrics import train_extractor
from rgm_bench.metrics.classifier import (
    ClassifierName,
    SmallClassifier,
    new_classifier,
    read_record,
    weights_file,
)
from rgm_bench.metrics.damage import DAMAGES

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def retrained() -> tuple[SmallClassifier, dict[str, Any]]:
    return train_extractor.train("digits_cnn_v1")


def test_the_shipped_digits_extractor_is_retrained_bit_for_bit(
    retrained: tuple[SmallClassifier, dict[str, Any]],
):
    shipped = weights_file("digits_cnn_v1")
    record = read_record(shipped)
    if not train_extractor.machine().items() <= record.items():
        pytest.skip("trained with another torch or processor, which round differently")
    network, again = retrained
    assert train_extractor.differing(network, shipped) == ()
    assert again == record


def test_any_machine_retrains_it_to_the_recorded_accuracy(
    retrained: tuple[SmallClassifier, dict[str, Any]],
):
    record, again = read_record(weights_file("digits_cnn_v1")), retrained[1]
    assert again["train_images_sha256"] == record["train_images_sha256"]
    assert again["test_accuracy"] == pytest.approx(record["test_accuracy"], abs=0.015)


def test_patches_are_those_it_was_trained_on_and_come_with_their_damages():
    record = read_record(weights_file("patches16_cnn_v1"))
    plain = train_extractor.plain_images("patches16_cnn_v1", "train")
    found = hashlib.sha256(plain.numpy().tobytes()).hexdigest()
    assert found == record["train_images_sha256"]
    assert record["recipe"] == asdict(train_extractor.recipe("patches16_cnn_v1"))
    images, labels = train_extractor.examples("patches16_cnn_v1", "train")
    assert labels.bincount().tolist() == [len(plain)] * len(DAMAGES)
    assert torch.equal(images[labels == 0], plain)


@pytest.mark.parametrize("name", get_args(ClassifierName))
def test_a_network_has_a_logit_for_each_class(name: ClassifierName):
    if not _have(name):
        pytest.skip("needs the Debian package dataset-fashion-mnist")
    labels = train_extractor.examples(name, "test")[1]
    assert new_classifier(name).head.out_features == len(labels.unique())


def _have(name: ClassifierName) -> bool:
    try:
        locate(train_extractor.recipe(name).data, split="test")
    except MissingDataError:
        return False
    return True


def test_writing_twice_gives_equal_bytes_and_changes_are_named(
    retrained: tuple[SmallClassifier, dict[str, Any]], tmp_path: Path
):
    network, record = copy.deepcopy(retrained)
    for name in ("once", "again"):
        train_extractor.write(network, record, tmp_path / name)
    assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()
    network.head.bias[0] += torch.finfo(torch.float32).eps
    assert train_extractor.differing(network, tmp_path / "once") == ("head.bias",)


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with train_extractor._one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
