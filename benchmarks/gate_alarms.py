"""How often the gate of this package cries wolf: real gates of disjoint seeds, nothing changed.

    python benchmarks/gate_alarms.py [--gates 20] [--seeds 5] [--baseline-seeds 8]
        [--study studies/ci_fid.yaml] [--profile laptop] [--store FOLDER] [--set FIELD=VALUE ...]

One baseline and so many gates, each with seeds that no other has. Prints how each number of each
gate came out, how many were regressions, and the smallest one that such a gate finds 9 times in
10 by the spread over all seeds. These gates share the luck of their baseline, so thousands more
are dealt from the same seeds, each with a baseline of its own. The store keeps what is trained: a
second command goes on.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

import rgm_bench
from rgm_bench.claims.holm import holm
from rgm_bench.claims.welch import moments
from rgm_bench.gate.power import LEVEL, detectable
from rgm_bench.gate.rule import (
    Finding,
    Question,
    is_regression,
    judge,
    unpaired,
    usual_margin,
    weigh,
)

ROOT = Path(rgm_bench.__file__).parent.parent
DEALS = 20_000


def main() -> None:
    """Train, judge and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", type=Path, default=ROOT / "studies" / "ci_fid.yaml")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--gates", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5, help="of each gate")
    parser.add_argument("--baseline-seeds", type=int, default=8)
    parser.add_argument("--store", type=Path, default=Path("gate_alarms"))
    parser.add_argument("--set", action="append", default=[], help="a field of the study")
    options = parser.parse_args()
    total = options.baseline_seeds + options.gates * options.seeds
    study = rgm_bench.Study.load(
        options.study,
        profile=options.profile,
        overrides=[*options.set, f"seeds={list(range(total))}"],
    )
    study.run(store=options.store)
    scores = _scores(study.evaluations(store=options.store))
    verdicts: Counter[str] = Counter()
    for number in range(options.gates):
        first = options.baseline_seeds + number * options.seeds
        findings = _judged(scores, options.baseline_seeds, range(first, first + options.seeds))
        verdict = _verdict(findings)
        verdicts[verdict] += 1
        words = "; ".join(f"{each.name} {each.ruling} {each.effect:.3f}" for each in findings)
        print(f"gate {number + 1}: {verdict}; {words}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
    dealt = _dealt(scores, options.seeds, options.baseline_seeds)
    print(f"{DEALS:,} gates dealt from these seeds: {dealt:.1%} are a regression")
    for arm, values in scores.items():
        spread = float(np.log(values).std(ddof=1))
        found = detectable(
            options.seeds,
            options.baseline_seeds,
            spread=spread,
            margin=spread / options.baseline_seeds**0.5,
            level=LEVEL / len(scores),
        )
        print(
            f"{arm}: spread {spread:.3f} of {len(values)} seeds; such a gate finds "
            f"{np.expm1(found):.1%} 9 times in 10"
        )


def _scores(trials: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """FID by seed of each arm."""
    (fid,) = (name for name in trials.columns if name.startswith("fid."))
    ours = trials[trials["axis.arm"].notna()]
    return {
        str(arm): group.set_index("seed")[fid].sort_index()
        for arm, group in ours.groupby("axis.arm", observed=True)
    }


def _judged(
    scores: dict[str, "pd.Series[float]"], num_baseline: int, seeds: range
) -> tuple[Finding, ...]:
    questions = []
    for arm, values in scores.items():
        baseline = {str(seed): float(values[seed]) for seed in range(num_baseline)}
        questions.append(
            Question(
                name=arm,
                current={str(seed): float(values[seed]) for seed in seeds},
                baseline=baseline,
                scale="log",
                better="lower",
                margin=usual_margin(baseline, "log"),
            )
        )
    return judge(questions)


def _dealt(scores: dict[str, "pd.Series[float]"], num: int, num_baseline: int) -> float:
    """The share of regressions where both sides are drawn from all seeds, none twice in a gate."""
    rng = np.random.default_rng(0)
    worse, p = [], []
    for values in scores.values():
        logs = np.log(values.to_numpy(float))
        order = rng.permuted(np.tile(np.arange(len(logs)), (DEALS, 1)), axis=1)
        before = moments(logs[order[:, :num_baseline]])
        found = weigh(unpaired(moments(logs[order[:, -num:]]), before, "lower"))
        worse.append(found.worse - np.sqrt(before.variance / num_baseline))
        p.append(found.p_worse)
    adjusted = np.array([holm(row) for row in np.stack(p, axis=1).tolist()])
    return float(is_regression(np.stack(worse, axis=1), adjusted, 0.0).any(axis=1).mean())


def _verdict(findings: tuple[Finding, ...]) -> str:
    rulings = {finding.ruling for finding in findings}
    order = ("regression", "inconclusive", "improvement")
    return next((each for each in order if each in rulings), "pass")


if __name__ == "__main__":
    main()
