"""What rungs cost a search and save: the pruned search beside the one that trains all to the end.

    python benchmarks/pruned_search.py --store FOLDER
        [--study studies/search_lambda_schedule.yaml] [--pruned laptop] [--whole full]

Both profiles have run in the store. Prints the training images of either search and its confirmed
best trials; then, of the trainings of the whole one, how well the score at each snapshot ranks them
as the end does (Spearman), which says where a rung may stand.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import rgm_bench
from rgm_bench.config.spec import SNAPSHOT_SHARES, EvaluationSpec, stored_spec
from rgm_bench.evaluation.base import Place, trained_images
from rgm_bench.results.store import Store
from rgm_bench.trial import run_evaluation, snapshot_path

ROOT = Path(rgm_bench.__file__).parent.parent


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", type=Path, default=ROOT / "studies/search_lambda_schedule.yaml")
    parser.add_argument("--pruned", default="laptop")
    parser.add_argument("--whole", default="full")
    parser.add_argument("--store", type=Path, required=True)
    options = parser.parse_args()
    pruned, whole = (
        _trials(options.study, profile, options.store)
        for profile in (options.pruned, options.whole)
    )
    share = _say(options.pruned, pruned) / _say(options.whole, whole)
    print(f"the pruned search took {share:.2f} of the training images of the whole one")
    scores = _scores_at_snapshots(whole[whole["evaluation"] == "generation"], options.store)
    for snapshot, correlation in scores.corr("spearman")[1.0].items():
        print(
            f"rank correlation of FID at {snapshot:g} of the images with the end: {correlation:.2f}"
        )


def _trials(study: Path, profile: str, store: Path) -> pd.DataFrame:
    trials = rgm_bench.Study.load(study, profile=profile).evaluations(store=store)
    (fid,) = (name for name in trials.columns if name.startswith("fid."))
    return trials[trials["axis.trial"].notna()].rename(columns={fid: "fid"})


def _say(profile: str, trials: pd.DataFrame) -> int:
    """Print what a search found, and count its training images."""
    searched = trials[trials["evaluation"] == "generation"]
    images = int(searched.groupby("axis.trial", observed=True)["images"].max().sum())
    print(f"{profile}: {searched['axis.trial'].nunique()} trials, {images:,} training images")
    confirmed = trials[trials["evaluation"] == "generation_confirmed"]
    for trial, group in confirmed.groupby("axis.trial", observed=True):
        logs = np.log(group["fid"])
        print(
            f"  trial {trial}: confirmed FID {np.exp(logs.mean()):.2f} of {len(logs)} seeds, "
            f"standard error {logs.std(ddof=1) / len(logs) ** 0.5:.1%}"
        )
    return images


def _scores_at_snapshots(trials: pd.DataFrame, store: Path) -> pd.DataFrame:
    """FID of every trial, a row each, at every snapshot."""
    results = Store.open(store)
    torch.set_num_threads(1)
    rows: dict[str, dict[float, float]] = {}
    for row in trials.to_dict("records"):
        outcome = results.outcome("evaluation", row["evaluation_id"])
        training = results.outcome("training", row["training_id"])
        assert outcome
        assert training
        folder = results.folder("training", training.id, training.digest)
        scores = rows.setdefault(row["axis.trial"], {1.0: row["fid"]})
        for share in SNAPSHOT_SHARES:
            if share == 1.0:
                continue
            fields = {**outcome.spec, "source": {**outcome.spec["source"], "at": share}}
            spec = stored_spec(EvaluationSpec, fields)
            with tempfile.TemporaryDirectory() as name:
                place = Place(
                    weights=snapshot_path(folder, trained_images(spec)),
                    references=store / "references",
                    folder=Path(name),
                    digest="",
                    device=torch.device("cpu"),
                    report=lambda done, last: None,
                )
                found = run_evaluation(spec, place=place)
            (scores[share],) = (v for k, v in found.metrics.items() if k.startswith("fid."))
    return pd.DataFrame.from_dict(rows, orient="index")


if __name__ == "__main__":
    main()
