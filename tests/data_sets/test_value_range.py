import logging

import numpy as np
import pytest
import torch

from rgm_bench.data.value_range import note_range


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0, 255], ""),
        ([3, 131], ""),
        ([0, 1], "cats: all values are from 0 to 1, where 0 to 255 are expected"),
        ([16, 0], "cats: all values are from 0 to 16,"),
        ([0, 127], "cats: all values are from 0 to 127,"),
        ([128, 255], "cats: all values are from 128 to 255,"),
        ([7], "cats: all values are from 7 to 7,"),
    ],
)
def test_another_scale_is_said(values: list[int], said: str, caplog: pytest.LogCaptureFixture):
    images = torch.tensor(values, dtype=torch.uint8)[:, None]
    with caplog.at_level(logging.WARNING, "rgm_bench"):
        note_range("cats", images)
        note_range("cats", images.numpy())
    assert len(caplog.messages) == (2 if said else 0)
    assert all(message.startswith(said) for message in caplog.messages)


def test_it_looks_no_further_than_it_must():
    seen = iter([np.array([0], np.uint8), np.array([200], np.uint8), np.array([1], np.uint8)])
    note_range("cats", seen)
    assert len(list(seen)) == 1
