"""Adam with its state by name, and the cosine decay of its rate."""

from collections.abc import Mapping
from math import cos, pi
from typing import final

import torch
from torch import Tensor, nn

from rgm_bench.ranks import ALONE, Ranks


def cosine_decay(images: int, horizon_images: int) -> float:
    """How much of a learning rate is left to lose: 1 at the start, 0 at the horizon and after.

    Source: Loshchilov and Hutter 2017, Eq. (5), without restarts.
    """
    return (1 + cos(pi * min(1.0, images / horizon_images))) / 2


@final
class Adam:
    """Adam over one network, with a state that can be saved as named tensors.

    Source: Kingma and Ba 2015, Algorithm 1, epsilon 1e-8, no weight decay.

    Args:
        network: whose parameters are trained.
        learning_rate: the rate at the start.
        final_learning_rate: the rate when all of the decay is done.
        betas: decay of the first and of the second moment.
        ranks: the processes that share the training; all have to step.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        learning_rate: float,
        final_learning_rate: float,
        betas: tuple[float, float],
        ranks: Ranks = ALONE,
    ) -> None:
        self.learning_rate, self.final_learning_rate = learning_rate, final_learning_rate
        self._ranks = ranks
        self._names = [name for name, _ in network.named_parameters()]
        self._parameters = list(network.parameters())
        self._optimizer = torch.optim.Adam(network.parameters(), learning_rate, betas, fused=True)

    def rate(self, decay: float) -> float:
        """The learning rate when `decay` of it is left, from 1 to 0."""
        return self.final_learning_rate + decay * (self.learning_rate - self.final_learning_rate)

    def step(self, decay: float) -> None:
        """Move along the gradients at the rate for `decay`, then clear them.

        The gradients are those of this process's share of the batch; what counts is their mean over
        the processes.
        """
        self._ranks.average([p.grad for p in self._parameters if p.grad is not None])
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate(decay)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Moments and step counts, by `parameter/moment`."""
        moments = self._optimizer.state_dict()["state"]
        return {
            f"{self._names[index]}/{name}": value
            for index, of_parameter in moments.items()
            for name, value in of_parameter.items()
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            parameter, name = key.rsplit("/", 1)
            index = self._names.index(parameter)
            moments.setdefault(index, {})[name] = _laid_out_like(self._parameters[index], value)
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": moments, "param_groups": groups})


def _laid_out_like(parameter: Tensor, moment: Tensor) -> Tensor:
    """A moment in the memory layout of its parameter: fused Adam walks both in step."""
    if moment.shape != parameter.shape:
        return moment
    return torch.empty_like(parameter, requires_grad=False).copy_(moment)
