"""What becomes of a training that diverges: every measurement says so, and none is lost."""

from collections.abc import Mapping
from typing import Any

import cloudpickle
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from rgm_bench.config.parts import Parts
from rgm_bench.config.spec import SNAPSHOT_SHARES, EvaluationSpec, part_key, spec_id
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.priors.base import Prior
from rgm_bench.results.code import code_digest
from rgm_bench.results.store import Store
from tests.evaluation.conftest import DIGITS, NOISE, PLANE, digits, measured, plane
from tests.evaluation.test_diversity import diversity
from tests.evaluation.test_generate import generate
from tests.evaluation.test_points import points
from tests.evaluation.test_restore import PNP, restore

MEASURES = {
    "points": (plane(), points(64)),
    "generate": (digits(), generate(64)),
    "restore": (digits(), restore(PNP, num=8)),
    "latent_diversity": (digits(), diversity(num=8)),
}


class GoesWrong(Prior):
    """Finite for some steps, and then not."""

    def __init__(self, *, steps: int) -> None:
        self.left = steps

    def penalty(self, fake: Tensor, real: Tensor, level: Tensor) -> Tensor:
        self.left -= 1
        return fake.mean() if self.left >= 0 else fake.mean() * torch.nan


CODE = "0" * 8
PARTS = Parts({part_key("GoesWrong", CODE): cloudpickle.dumps(GoesWrong)})


def diverging(of: Mapping[str, Any], steps: int) -> Mapping[str, Any]:
    prior = {"kind": "python", "name": "GoesWrong", "code": CODE, "arguments": {"steps": steps}}
    return {"kind": "rgm", "forward": NOISE, "fidelity_weight": 0.1, "prior": prior}


@pytest.mark.parametrize("kind", MEASURES)
def test_a_training_that_diverged_before_makes_every_measurement_diverged(evaluate, kind) -> None:
    training, measure = MEASURES[kind]
    outcome = evaluate(measured(training, measure), weights=None)
    assert (outcome.status, outcome.metrics) == ("diverged", {})
    assert outcome.reason == "the training diverged before 64 images"
    assert set(outcome.cost) == {"seconds"}


@pytest.mark.parametrize("kind", MEASURES)
def test_samples_that_are_not_finite_make_a_measurement_diverged(
    evaluate, place_of, tmp_path, kind
) -> None:
    training, measure = MEASURES[kind]
    spec = measured(training, measure)
    weights = place_of(spec).weights
    broken = {k: torch.full_like(t, torch.nan) for k, t in load_file(weights).items()}
    save_file(broken, tmp_path / "weights", metadata={"notes": "{}"})
    outcome = evaluate(spec, weights=tmp_path / "weights")
    assert (outcome.status, outcome.metrics) == ("diverged", {})
    assert outcome.reason == "a sample is not finite after 64 images"


@pytest.mark.parametrize("of", [PLANE, DIGITS], ids=["points", "images"])
def test_what_was_trained_before_it_diverged_is_measured(tmp_path, of) -> None:
    """64 images in 4 steps: the third goes wrong, after the snapshots of 1/8, 1/4 and 1/2."""
    training = (plane if of is PLANE else digits)(method=diverging(of, steps=2))
    measure = points(64) if of is PLANE else diversity(num=8)
    store, worker = Store(tmp_path), StoreWorker(str(tmp_path), parts=PARTS)
    unit = Unit("training", spec_id(training), training.model_dump(mode="json"))
    attempt = worker(unit)
    assert attempt.ending == "diverged"
    assert attempt.reason == "generator_loss is not finite after 48 images"
    found = {}
    for share in SNAPSHOT_SHARES:
        spec: EvaluationSpec = measured(training, measure, at=share)
        needs = spec_id(training)
        attempt = worker(Unit("evaluation", spec_id(spec), spec.model_dump(mode="json"), needs))
        found[share] = attempt.ending
    assert found == {0.125: "ok", 0.25: "ok", 0.5: "ok", 1.0: "diverged"}
    outcome = store.outcome("training", spec_id(training), code_digest("training"))
    assert outcome is not None
    assert outcome.images == 48


def test_a_training_whose_parts_did_not_come_fails_and_is_not_diverged(tmp_path) -> None:
    training = plane(method=diverging(PLANE, steps=2))
    unit = Unit("training", spec_id(training), training.model_dump(mode="json"))
    attempt = StoreWorker(str(tmp_path))(unit)
    assert attempt.ending == "failed"
    assert attempt.reason == (
        "the class GoesWrong did not come with this study; run the Python file that defines it"
    )
