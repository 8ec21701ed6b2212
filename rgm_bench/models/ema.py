"""The exponential moving average of a network's weights."""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def moving_average(network: nn.Module, *, decay: float) -> AveragedModel:
    """An average that its `update_parameters` moves on after each step of the network.

    It starts as a copy of the weights after the first step, so the random start never enters it,
    and nothing corrects for its bias towards that step. How often it was updated is part of its
    state, so that a resumed training goes on with it.

    Source: published training code of Choi et al. 2023.

    Args:
        network: the network that is trained.
        decay: share of the old average that stays at each step.
    """
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))
