"""Images to be measured, wherever they come from: so many, of one size, given in blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch

from rgm_bench.errors import DataError
from rgm_bench.rng import generator
from rgm_bench.types import ByteImage


@final
@dataclass(frozen=True)
class ImageSet:
    """Images of one size; only one block at a time has to be in memory.

    Args:
        title: what messages call them.
        shape: channels, height and width; one channel only if all of them are known to be grey.
        num: how many they are.
        blocks: gives them in order, each time from the start.
        name_of: what messages call the one of a number.
    """

    title: str
    shape: tuple[int, int, int]
    num: int
    blocks: Callable[[], Iterator[ByteImage]]
    name_of: Callable[[int], str]

    @property
    def is_grey(self) -> bool:
        """Whether all are known to be grey."""
        return self.shape[0] == 1

    def grey_blocks(self) -> Iterator[ByteImage]:
        """The images in one channel, for a network that has no eye for colour.

        Raises:
            DataError: one of them has colour.
        """
        done = 0
        for block in self.blocks():
            is_coloured = (block != block[:, :1]).flatten(1).any(1)
            if bool(is_coloured.any()):
                name = self.name_of(done + int(is_coloured.nonzero()[0]))
                raise DataError(
                    f"{name} has colour, and what it is compared with is grey: name a reference "
                    "and an extractor for colour, or make the images grey"
                )
            done += len(block)
            yield block[:, :1]


def some_of(there: int, wanted: int | None, *, title: str, seed: int) -> tuple[int, ...]:
    """The numbers of the images to be measured, in order: all, or random ones without repetition.

    Not the first ones: files are often ordered by class.

    Args:
        there: how many there are.
        wanted: how many to take; None for all.
        title: what messages call them.
        seed: of the choice.

    Raises:
        DataError: there are fewer than are wanted.
    """
    if wanted is None or wanted == there:
        return tuple(range(there))
    if wanted > there:
        raise DataError(
            f"{title}: found {there:,} images, and --num-images asks for {wanted:,}: ask for fewer"
        )
    order = torch.randperm(there, generator=generator(torch.device("cpu"), seed, "images"))
    return tuple(sorted(order[:wanted].tolist()))
