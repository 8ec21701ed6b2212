"""scikit-learn's 1797 handwritten digits in one fixed stratified split, 1437 and 360."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from rgm_bench.data.contents import Split

_NUM_TEST = 360
_SPLIT_SEED = 0
_LARGEST_VALUE = 16


def read_digits(split: Split) -> tuple[UInt8[Tensor, "n 1 8 8"], Int64[Tensor, " n"]]:
    """Images, their 0 to 16 scaled to 0 to 255, and labels, in the order of scikit-learn's file."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    labels = np.asarray(bunch.target, dtype=np.int64)
    chosen = _indices(labels, split)
    pixels = np.rint(np.asarray(bunch.images)[chosen] * 255 / _LARGEST_VALUE).astype(np.uint8)
    return torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(labels[chosen])


def _indices(labels: Int64[np.ndarray, " n"], split: Split) -> Int64[np.ndarray, " chosen"]:
    from sklearn.model_selection import train_test_split

    parts: Any = train_test_split(
        np.arange(len(labels)), test_size=_NUM_TEST, stratify=labels, random_state=_SPLIT_SEED
    )
    return np.sort(parts[("train", "test").index(split)])
