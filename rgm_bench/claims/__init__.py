"""Claims about arms, and verdicts on them from the values of their seeds.

    from rgm_bench.claims import Sample, better, decide

    few = Sample("T=4", (9.6, 10.1, 9.2, 10.9, 9.9))
    one = Sample("T=1", (31.0, 36.2, 29.8, 33.3, 35.1))
    claim = better(few, one, scale="log", margin=0.0, direction="lower")
    (verdict,) = decide([claim])
    print(verdict.explanation)

`kinds` holds the claims that can be stated, `decide` judges all claims of a study together. All
rules keep one promise: where arms differ by exactly the margin (not at all, for a margin of zero)
a claim is decided, whichever way, in at most 5 of 100 studies, and so is any claim of a study. For
arms of unequal spreads it is a little more; `welch.contrast` says how much.

The number of seeds is to be chosen beforehand: adding seeds until a claim is decided breaks the
promise. Importing this package imports neither numpy nor scipy.
"""

from rgm_bench.claims.decide import decide
from rgm_bench.claims.kinds import better, interior_minimum, not_worse, ordering, within
from rgm_bench.claims.rule import Claim
from rgm_bench.claims.samples import Sample
from rgm_bench.claims.verdict import Verdict

__all__ = [
    "Claim",
    "Sample",
    "Verdict",
    "better",
    "decide",
    "interior_minimum",
    "not_worse",
    "ordering",
    "within",
]
