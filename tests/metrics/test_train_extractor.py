import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from rgm_bench.metrics import train_extractor
from rgm_bench.metrics.classifier import SmallClassifier, read_record, weights_file


@pytest.fixture(scope="module")
def retrained() -> tuple[SmallClassifier, dict[str, Any]]:
    return train_extractor.train("digits_cnn_v1")


@pytest.mark.slow
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


@pytest.mark.slow
def test_any_machine_retrains_it_to_the_recorded_accuracy(
    retrained: tuple[SmallClassifier, dict[str, Any]],
):
    record, again = read_record(weights_file("digits_cnn_v1")), retrained[1]
    assert again["train_images_sha256"] == record["train_images_sha256"]
    assert again["test_accuracy"] == pytest.approx(record["test_accuracy"], abs=0.015)


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
