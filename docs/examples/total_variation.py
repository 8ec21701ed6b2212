"""A prior of your own as an arm of a study: total variation, the classic of image restoration.

    rgm-bench run docs/examples/total_variation.py --profile smoke

trains it beside the arms of the shipped study `ablation`, and prints its row and its verdict.
"""

import rgm_bench
from rgm_bench.priors.base import Prior
from rgm_bench.types import Level, Observation, Scalar


class TotalVariation(Prior):
    """The sum of absolute differences between neighbouring pixels, mean over the batch.

    It wants flat images, whatever the data are: a prior that looks at no real image at all.
    """

    # A batch's penalty is the mean over its parts, so it may be computed part by part.
    additive = True

    def __init__(self, *, weight: float) -> None:
        self.weight = weight  # beside the study's own `fidelity_weight`

    def penalty(self, fake: Observation, real: Observation, level: Level) -> Scalar:
        """What the generator lowers: fake are its estimates, degraded to `level` as real ones are.

        A prior that learns would compare them with `real`, which is not needed here.
        """
        along_rows = fake.diff(dim=3).abs().flatten(1).sum(1)
        along_columns = fake.diff(dim=2).abs().flatten(1).sum(1)
        return self.weight * (along_rows + along_columns).mean()


# The shipped study `ablation` with one arm more, and a claim about it. All else stays as it is:
# networks, budget, seeds, profiles and the other arms, whose results come from the store if it has
# them. What stands in this one statement is no part of the prior's code: it may change freely.
study = rgm_bench.extend(
    "ablation",
    {
        "title": "RGM without one of its parts, and with total variation for a prior",
        "axes": {
            "arm": {
                "values": {
                    "total_variation": {
                        "training": {
                            "method": {"prior": rgm_bench.part(TotalVariation, weight=0.01)}
                        }
                    }
                }
            }
        },
        "claims": {
            "learning_beats_total_variation": {
                "kind": "better",
                "metric": "fid",
                "this": {"arm": "kld"},
                "than": {"arm": "total_variation"},
            }
        },
    },
)
