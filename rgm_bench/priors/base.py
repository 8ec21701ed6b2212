"""What a prior is: a distance between the distributions of fake and of real observations."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from rgm_bench.types import Level, Observation, Scalar


class Prior(ABC):
    """Scores how far fake observations are from real ones of the same levels.

    A fixed prior is one method, `penalty`. One that learns does so in `improve`, which comes once
    before each step of the generator, and owns its networks and optimisers: it sets `learns` and
    says in `state` and `load_state` what a resumed training needs.
    """

    learns: bool = False
    """Whether `improve` has to be called: if not, no fakes are made for it."""

    additive: bool = False
    """Whether the penalty of a batch is the mean of the penalties of its micro-batches.

    Only then can a batch be computed in parts, one after the other or on several devices.
    """

    one_level_per_penalty: bool = False
    """Whether all samples that `penalty` is given must have the same level.

    `improve` is given a level for each sample all the same.
    """

    networks: tuple[nn.Module, ...] = ()
    """What it learns with, if it learns."""

    @abstractmethod
    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """The distance whose gradient the generator follows; one number for the batch.

        Args:
            fake: observations of the generator's estimates, at `level`.
            real: observations of data, at the same levels.
            level: the level of each.
        """

    def improve(
        self, real: Observation, fake: Observation, level: Level, *, step: int, decay: float
    ) -> Mapping[str, Scalar]:
        """Learn from one batch; no gradient reaches the generator. A fixed prior learns nothing.

        Args:
            real: observations of data, at `level`.
            fake: observations of the generator's estimates, at the same levels.
            level: the level of each.
            step: steps done before this one.
            decay: how much of the learning rate is left to lose: 1 at the start, 0 at the horizon.

        Returns:
            The losses of this step, for the record.
        """
        return {}

    def state(self) -> Mapping[str, Tensor]:
        """Everything a resumed training needs, by name. A fixed prior needs nothing."""
        return {}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned. A fixed prior has nothing to go on from."""
        del state
