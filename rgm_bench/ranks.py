"""The processes that compute one training together, and what they tell each other.

Each takes its share of every batch, and all of them hold the same weights. Gradients and losses are
means over equal shares, so their mean over the processes is that of the whole batch. Sums over
processes round in another order than one process does: results are equal but for their last bits.

Gradients are summed here and not by torch's DistributedDataParallel. That wraps one network, hooks
into one backward pass of it and does not go with `torch.autograd.grad`; a discriminator is called
twice for one backward pass, is frozen half of the time and differentiates its own gradient.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, final

import torch
from torch import Tensor, distributed

from rgm_bench.errors import LostProcessError

Value = TypeVar("Value")


@final
@dataclass(frozen=True)
class Ranks:
    """The place of this process among those that share a training; by default it is alone.

    Every method is to be called by all of them, in the same order.

    Args:
        rank: the number of this process, from 0.
        num: how many there are.
    """

    rank: int = 0
    num: int = 1

    @classmethod
    def joined(cls) -> "Ranks":
        """Those of torch's default process group, which this process has joined."""
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes, entry by entry.

        Raises:
            LostProcessError: another process has ended.
        """
        if self.num == 1:
            return values
        total = values.clone()
        with _told_when_lost():
            distributed.all_reduce(total)
        return total / self.num

    @torch.no_grad()
    def average(self, gradients: Sequence[Tensor]) -> None:
        """Put in place of each gradient its mean over the processes; one message for all of them.

        Raises:
            LostProcessError: another process has ended.
        """
        if self.num == 1:
            return
        flat = self.mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.reshape(gradient.shape))

    def from_first(self, value: Value) -> Value:
        """What the first process passes here; what the others pass is not looked at.

        Tensors are to be in the memory of the CPU: the others may have other GPUs.

        Raises:
            LostProcessError: another process has ended.
        """
        if self.num == 1:
            return value
        held = [value]
        with _told_when_lost():
            distributed.broadcast_object_list(held, src=0)
        return held[0]


ALONE = Ranks()
"""One process that does all of a training."""


@contextmanager
def _told_when_lost() -> Generator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo has no class of its own for it
        raise LostProcessError(f"another process of this training has ended: {error}") from error
