"""What a prior is: a distance between the distributions of fake and of real observations."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from rgm_bench.types import Level, Observation, Scalar


class Prior(ABC):
    """Scores how far fake observations are from real ones, level by level.

    A prior that learns does so in `improve`, once before each step of the generator, and owns its
    networks and optimisers; a fixed one does nothing there. The training loop never asks which.
    """

    one_level_per_batch: bool = False
    """Whether all samples of a batch must have the same level."""

    networks: tuple[nn.Module, ...] = ()
    """What it learns with, if it learns."""

    @abstractmethod
    def improve(
        self, real: Observation, fake: Observation, level: Level, *, step: int, decay: float
    ) -> Mapping[str, Scalar]:
        """Learn from one batch; no gradient reaches the generator.

        Args:
            real: observations of data, at `level`.
            fake: observations of the generator's estimates, at the same levels.
            level: the level of each.
            step: steps done before this one.
            decay: how much of the learning rate is left to lose: 1 at the start, 0 at the horizon.

        Returns:
            The losses of this step, for the record.
        """

    @abstractmethod
    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The distance whose gradient the generator follows; mean over the batch."""

    @abstractmethod
    def state(self) -> Mapping[str, Tensor]:
        """Everything a resumed training needs, by name."""

    @abstractmethod
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned."""
