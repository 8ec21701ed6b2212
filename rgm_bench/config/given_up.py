"""Units that a search goes on without, because they fail again and again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from rgm_bench.config.trial import Trial


@final
@dataclass(frozen=True)
class GivenUpUnit:
    """Why a unit was given up, and of a training after how many images.

    Scores of its weights up to there count; nothing that is measured later does.
    """

    reason: str
    images: int = 0


@final
@dataclass(frozen=True)
class GivenUp:
    """The units that were given up, by their ids.

    What they lose is told by the units and by nothing else. So a search that went on without a
    trial draws the same trials even if a unit that was given up has a result one day.
    """

    units: Mapping[str, GivenUpUnit] = field(default_factory=dict[str, GivenUpUnit])

    def lost(self, trial: Trial) -> GivenUpUnit | None:
        """The unit without which a trial can have no result; None if it can have one."""
        if trial.id in self.units:
            return self.units[trial.id]
        training, at = trial.training, trial.at
        if training is None or at is None:
            return None
        unit = self.units.get(trial.training_id or "")
        return unit if unit and training.images_at(at) > unit.images else None


NOTHING_GIVEN_UP = GivenUp()
