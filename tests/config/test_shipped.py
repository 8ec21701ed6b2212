from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from rgm_bench.config.grammar import REPORT_COLUMNS
from rgm_bench.config.load import load_study, packaged_studies, study_schema
from rgm_bench.config.spec import Cifar10Spec, TrainingSource, TrainingSpec
from rgm_bench.report.columns import COLUMNS

SWEEP = packaged_studies() / "lambda_sweep.yaml"


def trainings(profile: str) -> list[TrainingSpec]:
    sources = [trial.spec.source for trial in load_study(SWEEP, profile=profile).trials]
    return [source.training for source in sources if isinstance(source, TrainingSource)]


def written() -> Any:
    return YAML(typ="safe").load(SWEEP)


@pytest.mark.parametrize(
    ("profile", "weights", "seeds", "shares"),
    [("smoke", 3, 2, 1), ("laptop", 6, 3, 3), ("gpu", 6, 3, 2), ("paper", 6, 3, 1)],
)
def test_profiles_of_the_lambda_sweep(profile: str, weights: int, seeds: int, shares: int):
    study = load_study(SWEEP, profile=profile)
    generated = [trial for trial in study.trials if trial.real is None]
    assert len(generated) == len({t.id for t in generated}) == weights * seeds * shares
    assert len({t.training_id for t in generated}) == weights * seeds
    assert len(study.trials) - len(generated) == 2 * seeds


def test_the_paper_profile_has_the_settings_of_the_paper():
    training = trainings("paper")[0]
    steps_an_epoch = 50_000 // 256
    assert training.data == Cifar10Spec(kind="cifar10", horizontal_flip=True)
    assert training.images == 1000 * steps_an_epoch * 256
    assert training.optimizer.decay.horizon_images == 1800 * steps_an_epoch * 256
    assert (training.optimizer.learning_rate, training.method.prior.learning_rate) == (1.6e-4, 1e-4)
    assert training.optimizer.betas == (0.5, 0.9)
    assert training.ema.decay == 0.9999
    assert (training.method.prior.r1.weight, training.method.prior.r1.every_steps) == (0.02, 15)
    assert 1e-3 in {t.method.fidelity_weight for t in trainings("paper")}


def test_the_paper_profile_measures_as_the_paper():
    spec = load_study(SWEEP, profile="paper").trials[0].spec
    assert (spec.measure.count, spec.measure.space) == (50_000, "inception_v3_compat")


def test_the_gpu_profile_has_the_schedule_of_the_paper_at_its_own_length():
    gpu, paper = trainings("gpu")[0], trainings("paper")[0]
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


def test_the_shipped_study_fits_the_schema():
    assert [error.message for error in validator().iter_errors(written())] == []


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
        ("report", 0),
        ("profiles", "smoke"),
        ("profiles", "smoke", "training"),
        ("profiles", "smoke", "training", "optimizer", "decay"),
        ("profiles", "gpu", "training", "method", "prior", "discriminator"),
        ("profiles", "gpu", "evaluations", "generation", "reference"),
    ],
)
def test_the_schema_refuses_a_wrong_key(path: tuple[str | int, ...]):
    study = written()
    node = study
    for key in path:
        node = node[key]
    node["wrong"] = 1
    assert not validator().is_valid(study)


def test_the_schema_wants_a_training_whole_without_a_preset():
    study = written()
    study["base"]["training"] = {"data": {"kind": "digits"}}
    assert not validator().is_valid(study)
    study["base"]["training"]["preset"] = "rgm_digits"
    assert validator().is_valid(study)


def test_the_schema_accepts_labelled_overlays():
    study = written()
    study["axes"]["fidelity_weight"] = {"values": {"a": {}, "b": {"training": {"images": 64}}}}
    assert validator().is_valid(study)
    study["axes"]["fidelity_weight"]["values"]["b"]["training"]["imges"] = 64
    assert not validator().is_valid(study)


def test_the_schema_says_what_things_are():
    definitions = study_schema()["$defs"]
    described = [name for name, body in definitions.items() if "description" in body]
    assert {"TrainingSpec", "RgmSpec", "Evaluation", "Axis"} <= set(described)
