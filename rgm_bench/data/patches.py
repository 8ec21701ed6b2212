"""Colour patches of the photographs that scikit-image and scikit-learn ship: nothing to download.

Seven photographs of things that one may meet: an astronaut, a tower, a flower, a motorcycle and a
rocket to learn from, a cat and a cup of coffee to measure on. Left out are those of other
statistics (a retina, a tissue under the microscope, a deep field of galaxies), drawings, grey ones
and the motorcycle's second view.

Rights, as the packages state them: astronaut (NASA) and rocket (SpaceX) are in the public domain;
chelsea (Stefan van der Walt) and coffee (Rachel Michetti) are CC0; china and flower are Creative
Commons Attribution 2.0 (danielbuechele and vultilion on Flickr); the motorcycle is from the
Middlebury 2014 stereo benchmark (Scharstein et al. 2014, to be cited), of which scikit-image names
no licence. They are read where the packages put them, never copied.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from rgm_bench.data.contents import Split
from rgm_bench.data.pictures import read_rgb

PatchSize: TypeAlias = Literal[16, 32]

_SOURCE_SIDE = 64
_SOURCE_STRIDE = {"train": 16, "test": 24}


def read_patches(
    photographs: Sequence[Path], split: Split, patch_size: PatchSize
) -> UInt8[Tensor, "n 3 size size"]:
    """Every patch of a grid over each photograph, in one fixed order that mixes them.

    A patch shows 64x64 pixels of a photograph, averaged in squares of 4x4 or 2x2 to 16 or 32
    pixels, so patch i is the same view at both sizes. Neighbours overlap: the grid's step is 16
    pixels of the photograph for `train`, 24 for `test`.

    Raises:
        DataError: a photograph cannot be read.
    """
    found = [found for path in photographs for found in _patches(path, split, patch_size)]
    found.sort(key=lambda named: sha256(named[0].encode()).digest())
    pixels = np.stack([patch for _, patch in found])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _patches(
    path: Path, split: Split, patch_size: PatchSize
) -> list[tuple[str, UInt8[np.ndarray, "size size 3"]]]:
    """The patches of a photograph, each with a name that is the same at both sizes."""
    factor, stride = _SOURCE_SIDE // patch_size, _SOURCE_STRIDE[split]
    photograph = read_rgb(path)
    pixels = np.asarray(photograph.reduce(factor), dtype=np.uint8)  # reduce() averages squares
    width, height = photograph.size
    return [
        (
            f"{path.name} {top} {left}",
            pixels[top // factor :, left // factor :][:patch_size, :patch_size],
        )
        for top in range(0, height - _SOURCE_SIDE + 1, stride)
        for left in range(0, width - _SOURCE_SIDE + 1, stride)
    ]
