"""No prior: fidelity alone, the arm that shows what a prior is for."""

from typing import final

from rgm_bench.priors.base import Prior
from rgm_bench.types import Level, Observation, Scalar


@final
class NoPrior(Prior):
    """A penalty of zero, whatever the fakes.

    The generator then only has to explain its observations, which asks nothing of what they do
    not show.
    """

    additive = True

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """Zero, without a gradient."""
        return fake.new_zeros(())
