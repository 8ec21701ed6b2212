"""The studies that come with rgm-bench: that they load, fit together, and are what they say."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from typer.testing import CliRunner

from rgm_bench.cli import exit_codes
from rgm_bench.cli.app import app
from rgm_bench.config.grammar import REPORT_COLUMNS
from rgm_bench.config.load import packaged_studies, study_schema
from rgm_bench.config.packaged import preset_names
from rgm_bench.config.spec import (
    DdpmSpec,
    EvaluationSpec,
    TrainingSource,
    canonical_json,
    spec_id,
)
from rgm_bench.cost import step_flops
from rgm_bench.data import location
from rgm_bench.report.columns import COLUMNS
from tests.config.shipped import OWN, PROFILES, STUDIES, arm, study, trainings, written

SWEEP = "lambda_sweep"
TABLE = Path(__file__).parents[2] / "docs" / "studies.md"


# --- all of them ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_every_profile_has_trials_and_trainings(name: str, profile: str):
    assert study(name, profile).trials
    assert trainings(name, profile)


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_every_profile_is_planned_where_nothing_is(
    name: str, profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By the command, without a result and without downloaded data: all of it is left to run."""
    monkeypatch.setenv(location.DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(location, "DEBIAN_FASHION_MNIST", tmp_path / "debian")
    file, store = packaged_studies() / f"{name}.yaml", tmp_path / "store"
    done = CliRunner().invoke(app, ["plan", str(file), "--profile", profile, "--store", str(store)])
    assert done.exit_code == exit_codes.DONE, done.output
    evaluations = {trial.id for trial in study(name, profile).trials}
    for kind, units in (("training", trainings(name, profile)), ("evaluation", evaluations)):
        kinds = kind if len(units) == 1 else f"{kind}s"
        assert f"{len(units):>6} {kinds}: 0 done, {len(units)} to run" in done.output
    assert not store.exists()


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_no_two_arms_of_an_evaluation_are_the_same(name: str, profile: str):
    generated = [trial for trial in study(name, profile).trials if trial.real is None]
    seen = {(trial.evaluation, trial.id) for trial in generated}
    assert len(seen) == len(generated)


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_a_trial_has_the_ids_of_its_specs(name: str, profile: str):
    """However they are found: an id is the hash of the one text of a spec, validated anew."""
    for trial in study(name, profile).trials:
        whole = EvaluationSpec.model_validate_json(canonical_json(trial.spec), strict=False)
        assert whole == trial.spec
        assert trial.id == spec_id(whole)
        if isinstance(whole.source, TrainingSource):
            assert trial.training_id == spec_id(whole.source.training)


@pytest.mark.parametrize("name", OWN)
def test_smoke_is_a_hundredth_of_laptop(name: str):
    smoke, laptop = (
        sum(training.images for training in trainings(name, profile).values())
        for profile in ("smoke", "laptop")
    )
    assert smoke <= laptop / 100


@pytest.mark.parametrize("name", OWN)
def test_smoke_has_every_arm_that_laptop_has_or_fewer(name: str):
    def labels(profile: str) -> dict[str, set[object]]:
        return {axis: set(values) for axis, values in study(name, profile).axes.items()}

    smoke, laptop = labels("smoke"), labels("laptop")
    assert smoke.keys() - laptop.keys() <= {"budget"}
    assert smoke["arm"] == laptop["arm"] if "arm" in laptop else laptop.keys() <= smoke.keys()


@pytest.mark.parametrize("name", [name for name in OWN if "fashion_mnist" not in name])
def test_a_laptop_profile_needs_nothing_that_is_downloaded(name: str):
    for trial in study(name, "laptop").trials:
        assert trial.spec.data.kind in ("digits", "natural_patches", "gmm8")
        assert trial.spec.measure.space != "inception_v3_compat"


@pytest.mark.parametrize("name", OWN)
def test_three_seeds_or_more_decide_a_claim(name: str):
    for profile in ("laptop", "paper"):
        if profile in written(name)["profiles"] and study(name, profile).claims:
            assert len(study(name, profile).seeds) >= 3


def test_every_claim_of_the_paper_is_decided_by_a_study():
    claims = [claim for name in OWN for claim in study(name, "laptop").claims.values()]
    assert {claim.paper_claim for claim in claims} >= set(range(1, 10))


@pytest.mark.parametrize(
    ("name", "profile", "claim"),
    [
        ("toy_priors", "laptop", "learned_prior_beats_fixed_kernel"),
        ("toy_priors", "laptop", "kld_keeps_modes"),
        ("toy_priors", "laptop", "one_step_is_enough_for_light_noise"),
        ("generation", "laptop", "recall_is_kept"),
        ("generation", "laptop", "mmse_needs_ancestral_steps"),
        ("generation", "many_steps", "mmse_needs_ancestral_steps"),
        ("generation", "many_steps", "four_steps_are_as_good_as_hundreds"),
        ("generation", "paper", "four_steps_are_as_good_as_fifty"),
    ],
)
def test_further_claims_about_the_method_are_decided_too(name: str, profile: str, claim: str):
    assert claim in study(name, profile).claims


def test_every_table_and_numbered_figure_of_the_paper_has_a_study():
    reproduced = [written(name).get("reproduces", {}) for name in OWN]
    assert {found.get("table") for found in reproduced} >= {1, 2, 3, 4}
    assert {found.get("figure") for found in reproduced} >= {2, 3, 5, 6}


def test_every_preset_is_a_training_of_some_study():
    used = {value for name in STUDIES for value in _values(written(name), "preset")}
    assert used == set(preset_names())


def _values(node: Any, key: str) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == key)
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _values(child, key)


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_the_documentation_has_a_row_for_each_profile(name: str, profile: str):
    lines = TABLE.read_text().splitlines()
    assert any(re.search(rf"`{name}`.*`{profile}`", line) for line in lines)


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_as_many_trials_tuned_each_method_as_a_table_says(name: str, profile: str):
    tuned = study(name, profile).tuned
    if tuned is not None:
        axes = study(tuned.study, "laptop").axes
        each = math.prod(len(labels) for axis, labels in axes.items() if axis != "arm")
        # kld and kld_weak are one method
        arms = Counter(str(label).split("_")[0] for label in axes["arm"])
        assert {count * each for count in arms.values()} == {tuned.trials}


@pytest.mark.parametrize(("name", "profile"), PROFILES)
def test_only_trainings_on_the_data_that_were_tuned_are_tuned(name: str, profile: str):
    tuned = study(name, profile).tuned
    if tuned is not None:
        (data,) = {t.data.kind for t in trainings(tuned.study, "laptop").values()}
        assert {t.data.kind for t in trainings(name, profile).values()} == {data}


def test_all_that_compare_digits_on_a_laptop_say_how_they_were_tuned():
    digits = [
        name
        for name in OWN
        # a gate compares code, not methods
        if not name.startswith(("tuning", "search", "ci_"))
        and {t.data.kind for t in trainings(name, "laptop").values()} == {"digits"}
    ]
    assert digits
    assert all(study(name, "laptop").tuned for name in digits)


# --- what studies share -----------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["laptop", "gpu", "paper"])
@pytest.mark.parametrize("name", ["generation", "steps"])
def test_the_trainings_of_cost_are_those_of_other_studies(name: str, profile: str):
    assert trainings(name, profile).keys() <= trainings("cost", profile).keys()


@pytest.mark.parametrize("profile", ["laptop", "fashion_mnist", "gpu", "paper"])
def test_fig_5_looks_at_the_trainings_of_table_1(profile: str):
    looked_at = trainings("latent_diversity", profile).keys()
    assert looked_at <= trainings("generation", profile).keys()


@pytest.mark.parametrize("profile", ["laptop", "fashion_mnist", "gpu", "paper"])
def test_the_whole_arms_of_the_ablation_are_those_of_table_1(profile: str):
    pairs = {"kld": "rgm_kld_t4", "sr": "rgm_kld_sr", "dswd": "rgm_dswd_t4"}
    for ours, theirs in pairs.items():
        assert arm("ablation", profile, ours) == arm("generation", profile, theirs)


def test_the_thousand_evaluations_are_of_the_training_of_the_other_samplers():
    assert trainings("generation", "ancestral").keys() <= trainings("generation", "laptop").keys()


def test_laptops_restore_with_one_set_of_trainings():
    lsun, celeba, inverse = (
        trainings(name, "laptop") for name in ("lsun_church", "celeba_hq_256", "inverse")
    )
    assert lsun.keys() <= celeba.keys()
    assert {t.method.kind for i, t in celeba.items() if i in inverse} == {"rgm", "ddpm"}


@pytest.mark.parametrize("profile", ["laptop", "gpu", "paper"])
def test_methods_are_compared_at_one_network_and_one_budget(profile: str):
    rgm, ddpm = (arm("generation", profile, label) for label in ("rgm_kld_t4", "ddpm_ddim_50"))
    assert isinstance(ddpm.method, DdpmSpec)
    same = {"latent": rgm.generator.latent, "output": "tanh"}
    assert ddpm.generator.model_copy(update=same) == rgm.generator
    assert (ddpm.images, ddpm.batch_size, ddpm.data) == (rgm.images, rgm.batch_size, rgm.data)


def test_equal_operations_are_equal():
    cpu = torch.device("cpu")
    rgm = arm("cost", "laptop", "rgm_kld_t4")
    flops = step_flops(rgm, cpu) * rgm.images
    for label in ("ddpm_equal_flops_ddim_50", "ddpm_equal_flops_dpm_10"):
        ddpm = arm("cost", "laptop", label)
        assert step_flops(ddpm, cpu) * ddpm.images == pytest.approx(flops, rel=1e-3)


# --- the sweep of the fidelity weight ---------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "weights", "seeds", "shares"),
    [
        ("smoke", 3, 2, 1),
        ("laptop", 6, 3, 3),
        ("patches", 6, 3, 3),
        ("fashion_mnist", 6, 3, 3),
        ("gpu", 6, 3, 2),
        ("paper", 6, 3, 1),
    ],
)
def test_profiles_of_the_lambda_sweep(profile: str, weights: int, seeds: int, shares: int):
    trials = study(SWEEP, profile).trials
    generated = [trial for trial in trials if trial.real is None]
    assert len(generated) == len({t.id for t in generated}) == weights * seeds * shares
    assert len({t.training_id for t in generated}) == weights * seeds
    assert len(trials) - len(generated) == 2 * seeds


def test_the_paper_profile_measures_as_the_paper():
    spec = study(SWEEP, "paper").trials[0].spec
    assert (spec.measure.count, spec.measure.space) == (50_000, "inception_v3_compat")


@pytest.mark.parametrize("profile", ["laptop", "patches", "fashion_mnist", "gpu", "paper"])
def test_the_range_of_the_claim_is_that_of_the_paper(profile: str):
    claim = study(SWEEP, profile).claims["best_weight_is_where_the_paper_says"]
    shape = next(iter(trainings(SWEEP, profile).values())).data.event_shape
    dimension = torch.Size(shape).numel()
    assert (claim.low, claim.high) == pytest.approx((1 / dimension, 10 / dimension), rel=1e-4)


def test_the_gpu_profile_has_the_schedule_of_the_paper_at_its_own_length():
    gpu, paper = (next(iter(trainings(SWEEP, each).values())) for each in ("gpu", "paper"))
    ratios = {t.optimizer.decay.horizon_images / t.images for t in (gpu, paper)}
    assert ratios == {1.8}
    assert gpu.images % (50_000 // gpu.batch_size * gpu.batch_size) == 0


def test_reports_may_name_every_column_that_there_is():
    assert set(REPORT_COLUMNS) == set(COLUMNS)


# --- the JSON schema --------------------------------------------------------------------------


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(study_schema())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(study_schema())


@pytest.mark.parametrize("name", STUDIES)
def test_the_shipped_studies_fit_the_schema(name: str):
    assert [error.message for error in validator().iter_errors(written(name))] == []


@pytest.mark.parametrize(
    "path",
    [
        (),
        ("base",),
        ("base", "training"),
        ("base", "evaluations", "generation"),
        ("base", "evaluations", "generation", "sampler"),
        ("axes", "fidelity_weight"),
        ("resources",),
        ("tuned",),
        ("report", 0),
        ("profiles", "smoke"),
        ("profiles", "smoke", "training"),
        ("profiles", "smoke", "training", "optimizer", "decay"),
        ("profiles", "gpu", "training"),
        ("claims", "fidelity_helps"),
        ("profiles", "gpu", "evaluations", "generation", "reference"),
    ],
)
def test_the_schema_refuses_a_wrong_key(path: tuple[str | int, ...]):
    sweep = written(SWEEP)
    node = sweep
    for key in path:
        node = node[key]
    node["wrong"] = 1
    assert not validator().is_valid(sweep)


def test_the_schema_wants_a_training_whole_without_a_preset():
    sweep = written(SWEEP)
    sweep["base"]["training"] = {"data": {"kind": "digits"}}
    assert not validator().is_valid(sweep)
    sweep["base"]["training"]["preset"] = "rgm_digits"
    assert validator().is_valid(sweep)


def test_the_schema_accepts_labelled_overlays():
    sweep = written(SWEEP)
    sweep["axes"]["fidelity_weight"] = {"values": {"a": {}, "b": {"training": {"images": 64}}}}
    assert validator().is_valid(sweep)
    sweep["axes"]["fidelity_weight"]["values"]["b"]["training"]["imges"] = 64
    assert not validator().is_valid(sweep)


def test_the_schema_lets_a_profile_be_without_what_tuned_the_base():
    sweep = written(SWEEP)
    sweep["profiles"]["laptop"]["tuned"] = None
    assert validator().is_valid(sweep)


def test_the_schema_says_what_things_are():
    definitions = study_schema()["$defs"]
    described = [name for name, body in definitions.items() if "description" in body]
    assert {"TrainingSpec", "RgmSpec", "Evaluation", "Axis"} <= set(described)
