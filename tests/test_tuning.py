"""The settings of presets are those that did best in the published tuning studies."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

import rgm_bench.config
from rgm_bench.config.load import load_study, packaged_studies
from rgm_bench.config.spec import TrainingSource

PUBLISHED = Path("results/published")
PRESETS = Path(rgm_bench.config.__path__[0]) / "presets"

HOLDERS: Mapping[str, Mapping[str, str]] = {
    "tuning_digits": {
        "kld": "rgm_digits",
        "dswd": "rgm_digits_dswd",
        "mmd": "rgm_digits_mmd",
        "sr": "rgm_digits_sr",
        "naive_sr": "ablation: naive_sr",
        "mmse": "mmse_digits",
        "ddpm": "ddpm_digits",
    },
    "tuning_patches": {
        "kld": "rgm_patches",
        "sr": "rgm_patches_sr",
        "mmse": "mmse_patches",
        "ddpm": "ddpm_patches",
    },
    # a method of two arms has another weight, or another average, in the second
    "tuning_points": {
        "mmse, mmse_short_average": "toy_priors: mmse",
        "kld, kld_weak": "toy_priors: kld",
        "mmd, mmd_weak": "toy_priors: mmd",
        "dswd, dswd_weak": "toy_priors: dswd",
    },
    "tuning_fashion_mnist": {
        "kld": "rgm_fashion_mnist",
        "dswd": "rgm_fashion_mnist_dswd",
        "sr": "rgm_fashion_mnist_sr",
        "mmse": "mmse_fashion_mnist",
        "ddpm": "ddpm_fashion_mnist",
    },
}
"""Where the settings of each tuned arm stand: a preset, or `study: arm` of a shipped one."""

TUNED = sorted(path.parent.parent for path in PUBLISHED.glob("tuning_*/laptop/trials.parquet"))
ARMS = [(study.name, arm) for study in TUNED for arm in HOLDERS.get(study.name, {})]


def generated(study: str) -> pd.DataFrame:
    frame = pd.read_parquet(PUBLISHED / study / "laptop/trials.parquet")
    return frame[frame["real"].isna()]


def best(study: str, arms: str) -> tuple[float, float, float | None]:
    """Learning rate, average and weight of the trial with the lowest FID or W2."""
    frame = generated(study)
    (score,) = (name for name in frame if name.startswith(("fid.", "w2.")))
    lowest = frame[score].where(frame["axis.arm"].isin(arms.split(", "))).idxmin()
    return settings(json.loads(frame.loc[lowest, "spec"])["source"]["training"])


def held(holder: str) -> tuple[float, float, float | None]:
    """Learning rate, average and weight that a preset or an arm has."""
    if ": " not in holder:
        return settings(YAML(typ="safe").load(PRESETS / f"{holder}.yaml"))
    name, arm = holder.split(": ")
    for trial in load_study(packaged_studies() / f"{name}.yaml").trials:
        source = trial.spec.source
        if trial.labels.get("arm") == arm and isinstance(source, TrainingSource):
            return settings(source.training.model_dump())
    raise AssertionError(f"{name} has no arm {arm}")


def settings(training: Any) -> tuple[float, float, float | None]:
    weight = training["method"].get("fidelity_weight")
    return training["optimizer"]["learning_rate"], training["ema"]["decay"], weight


@pytest.mark.parametrize(("study", "arm"), ARMS)
def test_the_best_of_the_trials_is_what_studies_use(study: str, arm: str):
    assert held(HOLDERS[study][arm]) == best(study, arm)


@pytest.mark.parametrize("study", [path.name for path in TUNED])
def test_the_settings_of_every_tuned_arm_are_looked_at(study: str):
    known = ", ".join(HOLDERS.get(study, {})).split(", ")
    assert set(generated(study)["axis.arm"]) == set(known)


def test_a_tuning_study_is_published():
    assert TUNED
