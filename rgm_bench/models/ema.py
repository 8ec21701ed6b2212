"""The exponential moving average of a network's weights."""

from copy import deepcopy
from typing import Generic, TypeVar, final

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


@final
class Ema(Generic[Network]):
    """Weights averaged over steps with a constant decay.

    The average starts as a copy of the weights after the first optimizer step, so the random start
    never enters it, and nothing corrects for its bias towards that first step.

    Source: published training code of Choi et al. 2023.

    Args:
        network: the network that is trained; its copy is `average`.
        decay: share of the old average that stays at each step.
    """

    def __init__(self, network: Network, *, decay: float) -> None:
        self.average = deepcopy(network).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, network: Network, *, first: bool) -> None:
        """Take in the weights after a step; `first` after the first one."""
        averages = list(self.average.parameters())
        torch._foreach_lerp_(averages, list(network.parameters()), 1 - self.decay * (not first))
