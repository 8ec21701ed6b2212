"""The published checkpoints, and the study that measures them."""

from typing import get_args

import jsonschema
import pytest
from ruamel.yaml import YAML

from rgm_bench.config.load import load_study, packaged_studies, study_schema
from rgm_bench.config.official import (
    PROFILES,
    OfficialName,
    import_advice,
    official_name,
    official_training,
)
from rgm_bench.config.spec import SuperResolutionForwardSpec, TrainingSource, spec_id
from rgm_bench.errors import StudyError

STUDY = packaged_studies() / "official.yaml"
SHA = "ab" * 32


@pytest.mark.parametrize(
    ("name", "levels", "epochs", "steps_an_epoch", "batch_size"),
    [
        ("cifar10-kld-d", 4, 1000, 195, 256),
        ("cifar10-kld-sr", 7, 1300, 195, 256),
        ("cifar10-dswd-d", 4, 900, 195, 256),
        ("celeba-hq-256-kld-d", 4, 650, 755, 32),
    ],
)
def test_trainings_are_as_published(
    name: OfficialName, levels: int, epochs: int, steps_an_epoch: int, batch_size: int
) -> None:
    training = official_training(name, SHA)
    assert training.num_levels == levels
    assert training.images == epochs * steps_an_epoch * batch_size
    assert (training.batch_size, training.seed) == (batch_size, 1024)
    assert training.method.kind == "imported"
    assert training.method.sha256 == SHA
    split = isinstance(training.method.forward, SuperResolutionForwardSpec)
    assert split == name.endswith("-sr")


def test_a_training_is_known_by_its_name_whatever_file_it_is_of() -> None:
    for name in PROFILES:
        assert official_name(official_training(name, SHA)) == name
    ids = {spec_id(official_training(name, sha)) for name in PROFILES for sha in (SHA, "cd" * 32)}
    assert len(ids) == 2 * len(PROFILES) == 2 * len(get_args(OfficialName))


def test_a_checksum_of_digits_alone_is_text() -> None:
    assert official_training("cifar10-kld-d", "1" * 64).method.sha256 == "1" * 64


def test_advice_names_the_preset_or_what_stands_in_its_way() -> None:
    training = official_training("cifar10-dswd-d", SHA)
    advice = import_advice(training, "my results")
    assert "import-official FILE --preset cifar10-dswd-d --store 'my results'" in advice
    assert SHA in advice
    other_seed = training.model_copy(update={"seed": 1})
    assert "none of those that can be imported" in import_advice(other_seed, "results")
    placeholder = official_training("cifar10-dswd-d", "0" * 64)
    assert "does not say yet which" in import_advice(placeholder, "results")


def test_every_profile_measures_one_training_at_its_end() -> None:
    written = YAML(typ="safe").load(STUDY)
    for profile in written["profiles"]:
        generated, *real = load_study(STUDY, profile=profile).trials
        assert generated.spec.source.at == 1.0
        assert [trial.real for trial in real] == ["train", "test"]


@pytest.mark.parametrize("profile", PROFILES.values())
def test_checkpoints_are_measured_as_the_paper_measures(profile: str) -> None:
    measure = load_study(STUDY, profile=profile).trials[0].spec.measure
    assert (measure.count, measure.space) == (50_000, "inception_v3_compat")
    assert measure.reference.split == "train"


def test_the_study_fits_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(study_schema())
    written = YAML(typ="safe").load(STUDY)
    assert [error.message for error in validator.iter_errors(written)] == []


def test_imported_weights_are_measured_at_their_end_alone() -> None:
    training = official_training("cifar10-kld-d", SHA)
    assert TrainingSource(kind="training", training=training, at=1.0).at == 1.0
    with pytest.raises(ValueError, match=r"found 0\.5; imported weights are those of the end"):
        TrainingSource(kind="training", training=training, at=0.5)
    shares = ["evaluations.generation.at_images=[0.25, 1.0]"]
    with pytest.raises(StudyError, match=r"generation\.at_images: found 0.25"):
        load_study(STUDY, profile="paper", overrides=shares)
