"""What a training step is, so that a training can be run and saved without knowing its kind."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import final

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from rgm_bench.optim import Adam
from rgm_bench.training.draws import Draws
from rgm_bench.types import Scalar


class TrainingStep(ABC):
    """A function of networks, draws and step that moves the networks on.

    Every kind trains one generator and keeps the average of its weights.

    Args:
        generator: the network that is trained.
        ema: its average.
        optimizer: its Adam.
    """

    networks: tuple[nn.Module, ...] = ()
    """All that is trained beside the generator."""

    def __init__(self, *, generator: nn.Module, ema: AveragedModel, optimizer: Adam) -> None:
        self.generator, self.ema, self.optimizer = generator, ema, optimizer

    @abstractmethod
    def __call__(self, draws: Draws, *, step: int, decay: float) -> dict[str, Scalar]:
        """Do step number `step`, with `decay` of the learning rates left.

        Returns:
            The losses, detached; `generator_loss` is what the generator lowered.
        """

    @abstractmethod
    def further_state(self) -> Mapping[str, Tensor]:
        """What a resumed training needs besides generator, average and optimiser, by name."""

    @abstractmethod
    def load_further_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `further_state` returned; there may be other names in `state` too."""

    @final
    def state(self) -> dict[str, Tensor]:
        """Everything a resumed training needs, by name."""
        parts = {
            "generator": self.generator.state_dict(),
            "average": self.ema.state_dict(),
            "optimizer": self.optimizer.state(),
        }
        tensors = {
            f"{part}.{name}": t for part, state in parts.items() for name, t in state.items()
        }
        return tensors | dict(self.further_state())

    @final
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        self.generator.load_state_dict(under("generator.", state))
        self.ema.load_state_dict(under("average.", state))
        self.optimizer.load_state(under("optimizer.", state))
        self.load_further_state(state)


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
