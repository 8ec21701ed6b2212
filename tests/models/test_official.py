from pathlib import Path

import pytest
import torch

from rgm_bench.errors import DataError
from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.official import load_into, read_state


def small() -> Discriminator:
    return Discriminator(size="small", image_channels=1, base_channels=2, time_embedding=4)


class Planted:
    def __reduce__(self):
        return (exec, ("raise SystemExit",))


def test_more_than_tensors_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"ema": Planted()}, tmp_path / "bad.pth")
    with pytest.raises(DataError, match="not a checkpoint of tensors only"):
        read_state(tmp_path / "bad.pth", "ema")


def test_missing_file_and_missing_network_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such checkpoint"):
        read_state(tmp_path / "none.pth", "ema")
    torch.save({"other": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    with pytest.raises(DataError, match="holds no ema; found: other"):
        read_state(tmp_path / "other.pth", "ema")


def test_another_size_is_refused_with_the_first_difference() -> None:
    state = small().state_dict()
    state["end_linear.weight"] = torch.zeros(1, 5)
    with pytest.raises(DataError, match=r"end_linear.weight: found \(1, 5\), expected \(1, 16\)"):
        load_into(small(), state)
    del state["end_linear.weight"]
    with pytest.raises(DataError, match="found nothing"):
        load_into(small(), state)


def test_filter_taps_beside_parameters_are_left_out() -> None:
    network = small()
    state = {**network.state_dict(), "conv2.fir_kernel": torch.ones(4)}
    load_into(small(), state)
