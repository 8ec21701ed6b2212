"""Ids of specs are for ever."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from rgm_bench.config.packaged import preset_names
from rgm_bench.config.spec import TrainingSpec, spec_id
from tests.config.shipped import PROFILES, study
from tests.config.test_spec import preset

FROZEN = json.loads((Path(__file__).parents[1] / "data" / "spec_ids.json").read_text())
"""The id of every preset with seed 0, and for each profile a digest of all its ids of a kind.

An id that changes takes all results away that have it. So a line changes only with the settings of
that preset or study, or with a revision of what it computes.
"""


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
