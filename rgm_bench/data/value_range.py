"""Whether bytes look like pixels of 0 to 255, or like another scale."""

import logging
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

Bytes: TypeAlias = UInt8[Tensor, "..."] | UInt8[np.ndarray, "..."]

LEAST_SPREAD = 128
"""Between the smallest and the largest value of a set of images in the scale 0 to 255."""

log = logging.getLogger(__name__)


def note_range(title: str, images: Iterable[Bytes]) -> None:
    """Log a warning unless the values of some images fill half of 0 to 255.

    Values of 0 and 1, or of 0 to 16, are images in another scale, and those are the commonest
    mistake with FID. It looks no further than to the image that shows that all is well.
    """
    low, high = 255, 0
    for image in images:
        each: Any = image
        low, high = min(low, int(each.min())), max(high, int(each.max()))
        if high - low >= LEAST_SPREAD:
            return
    log.warning(
        "%s: all values are from %s to %s, where 0 to 255 are expected: images in another scale "
        "have other scores",
        title,
        low,
        high,
    )
