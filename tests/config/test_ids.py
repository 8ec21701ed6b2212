"""Ids of specs are for ever: of what is shipped, and of what was stored by earlier versions."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import pytest
from pydantic import Field

from rgm_bench.config.load import load_study, packaged_studies, resolved_study
from rgm_bench.config.packaged import preset_names
from rgm_bench.config.spec import (
    Added,
    EvaluationSpec,
    Spec,
    SuperResolutionForwardSpec,
    TrainingSpec,
    canonical_fields,
    canonical_json,
    earlier_revisions,
    spec_id,
    stored_spec,
)
from rgm_bench.config.study import StudySpec
from rgm_bench.results.files import to_json
from tests.config.shipped import PROFILES, study
from tests.config.test_spec import preset

FROZEN = json.loads((Path(__file__).parents[1] / "data" / "spec_ids.json").read_text())
"""The id of every preset with seed 0, and for each profile a digest of all its ids of a kind.

An id that changes takes all results away that have it. So a line changes only with the settings of
that preset or study, or with a revision of what it computes.
"""

PUBLISHED = sorted(Path("results/published").glob("*/*/trials.parquet"))


def digest(ids: Iterable[str | None]) -> str:
    return hashlib.sha256(" ".join(sorted({i for i in ids if i})).encode()).hexdigest()[:16]


# --- what is shipped --------------------------------------------------------------------------


def test_presets_have_the_ids_that_they_always_had():
    assert FROZEN["presets"] == {
        name: spec_id(TrainingSpec.model_validate(preset(name))) for name in preset_names()
    }


@pytest.mark.parametrize("kind", ["trainings", "evaluations"])
def test_trials_have_the_ids_that_they_always_had(kind: str):
    of = {"trainings": lambda t: t.training_id, "evaluations": lambda t: t.id}[kind]
    found = {f"{name}/{each}": digest(map(of, study(name, each).trials)) for name, each in PROFILES}
    assert FROZEN[kind] == found


# --- what was stored --------------------------------------------------------------------------


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parts[2]}/{path.parts[3]}")
def test_a_stored_spec_is_read_as_the_one_that_has_its_id(path: Path):
    rows = pd.read_parquet(path, columns=["spec", "evaluation_id", "training_id"])
    for text, evaluation, training in rows.drop_duplicates().itertuples(index=False):
        spec = stored_spec(EvaluationSpec, json.loads(text))
        assert canonical_json(spec) == text
        assert spec_id(spec) == evaluation
        if spec.source.kind == "training":
            assert spec_id(spec.source.training) == training


class Grown(Spec):
    """A kind that was stored before it had `speed`, whose default has changed since."""

    kind: Literal["grown"] = "grown"
    speed: Annotated[int, Added(meant=1)] = 3


class Whole(Spec):
    kind: Literal["whole"] = "whole"
    part: Annotated[Grown, Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("speed", "fields"),
    [
        (1, {"kind": "grown"}),
        (2, {"kind": "grown", "speed": 2}),
        (3, {"kind": "grown", "speed": 3}),
    ],
)
def test_only_the_value_that_older_specs_meant_is_left_out(speed: int, fields: dict[str, Any]):
    spec = Whole(part=Grown(speed=speed))
    assert canonical_fields(spec) == {"kind": "whole", "part": fields}
    assert stored_spec(Whole, json.loads(canonical_json(spec))) == spec


def test_a_field_left_out_is_its_default_in_a_file_and_what_it_meant_in_a_store():
    fields = {"part": {"kind": "grown"}}
    assert Whole.model_validate(fields).part.speed == 3
    assert stored_spec(Whole, fields).part.speed == 1


def test_super_resolution_keeps_its_ids_under_the_schedule_that_it_always_had():
    older = {"kind": "super_resolution", "num_levels": 7, "order": "split"}
    spec = SuperResolutionForwardSpec(kind="super_resolution", num_levels=7)
    assert canonical_fields(spec) == older
    assert stored_spec(SuperResolutionForwardSpec, older).schedule == "original"
    other = spec.model_copy(update={"schedule": "square"})
    assert canonical_fields(other) == older | {"schedule": "square"}


# --- DSWD, which was corrected ----------------------------------------------------------------


DSWD: dict[str, Any] = {
    "data": {"kind": "gmm8"},
    "method": {
        "kind": "rgm",
        "forward": {"kind": "noise", "num_levels": 4},
        "fidelity_weight": 0.5,
        "prior": {
            "kind": "dswd",
            "discriminator": {"kind": "mlp", "width": 32},
            "r1": {"weight": 0.02, "every_steps": 15},
            "learning_rate": 5e-3,
        },
    },
    "generator": {"kind": "mlp", "width": 32, "latent": {"kind": "gaussian", "size": 2}},
    "optimizer": {
        "learning_rate": 2e-2,
        "betas": (0.5, 0.9),
        "decay": {"kind": "cosine", "horizon_images": 25_600, "final_learning_rate": 1e-5},
    },
    "ema": {"decay": 0.9},
    "images": 25_600,
    "batch_size": 256,
    "seed": 0,
}


def dswd(**fields: Any) -> TrainingSpec:
    method = DSWD["method"]
    return TrainingSpec.model_validate(
        DSWD | {"method": method | {"prior": method["prior"] | fields}}
    )


def test_what_dswd_computed_before_has_another_id():
    present = dswd()
    fields = canonical_fields(present)
    assert fields["method"]["prior"].pop("revision") == 2
    former = stored_spec(TrainingSpec, fields)
    assert former.method.prior.revision == 1
    assert spec_id(former) == "12674011e0c4d458"
    assert spec_id(present) == "979503714fa3f5a0"
    assert not list(earlier_revisions(present))
    assert [text.split(" (")[0] for text in earlier_revisions(former)] == ["`dswd` of revision 1"]


@pytest.mark.parametrize("revision", [1, 3])
def test_only_the_present_revision_can_be_asked_for(revision: int):
    with pytest.raises(ValueError, match="revision"):
        dswd(revision=revision)
    assert dswd(revision=2) == dswd()


@pytest.fixture
def toys() -> StudySpec:
    return load_study(packaged_studies() / "toy_priors.yaml", profile="smoke")


def read_again(resolved: dict[str, Any], path: Path) -> StudySpec:
    path.write_bytes(to_json(resolved))
    return resolved_study(path)


def test_a_study_from_before_a_correction_is_read_as_what_it_was(toys: StudySpec, tmp_path: Path):
    older = {name: value for name, value in toys.resolved.items() if name != "defaults"}
    assert toys.resolved["defaults"] == {"dswd.revision": 2}
    former = read_again(older, tmp_path / "study.json")
    assert former.resolved == older
    pairs = list(zip(toys.trials, former.trials, strict=True))
    for present, trial in pairs:
        assert (trial.id == present.id) == ("dswd" not in str(present.labels.get("arm")))
        without = json.loads(canonical_json(present.spec).replace(',"revision":2', ""))
        assert trial.spec == stored_spec(EvaluationSpec, without)
    assert any(trial.id != present.id for present, trial in pairs)


def test_a_search_from_before_a_correction_draws_what_it_drew(tmp_path: Path):
    search = load_study(packaged_studies() / "search_lambda_schedule.yaml", profile="smoke")
    older = {name: value for name, value in search.resolved.items() if name != "defaults"}
    assert search.resolved["defaults"] == {"dswd.revision": 2}
    for resolved, revision in ((search.resolved, 2), (older, 1)):
        again = read_again(resolved, tmp_path / "study.json")
        assert again.search
        values = {"num_levels": 1, "prior": "dswd", "generator_rate": 0.01}
        (trial, *_) = again.search.trials(0, values, 1.0, False)
        assert trial.training
        assert trial.training.method.prior.revision == revision


def test_only_a_study_that_has_what_was_corrected_says_so():
    assert "defaults" not in study("lambda_sweep", "laptop").resolved
    assert study("ablation", "laptop").resolved["defaults"] == {"dswd.revision": 2}
