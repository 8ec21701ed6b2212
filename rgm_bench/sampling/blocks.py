"""Samples in blocks of one size, each block with a random stream of its own."""

from collections.abc import Iterator

import torch

from rgm_bench.rng import generator
from rgm_bench.sampling.base import Sampler
from rgm_bench.types import Sample

BLOCK = 256
"""Convolutions round differently for other batch sizes, so blocks are always whole."""


def sample_blocks(
    sampler: Sampler, num: int, *, seed: int, device: torch.device
) -> Iterator[Sample]:
    """`num` samples in blocks, the last one cut to what is missing.

    Sample 17 is the same for every `num`: the last block too is generated whole.

    Args:
        sampler: what generates them.
        num: how many samples in all.
        seed: with the number of a block it seeds the block's stream.
        device: where they are generated.
    """
    for first in range(0, num, BLOCK):
        block = sampler.sample(BLOCK, generator(device, seed, "block", first // BLOCK))
        yield block[: num - first]
