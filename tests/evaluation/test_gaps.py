"""An evaluation of which a score or a cost is no number: it ends `ok`, with all that there is."""

import math

import cloudpickle
import torch

from rgm_bench.config.parts import Parts
from rgm_bench.config.spec import part_key, spec_id
from rgm_bench.execution.base import Unit
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.metrics.fidelity import GENERATION_METRICS
from rgm_bench.results.code import code_digest
from rgm_bench.results.store import Store
from rgm_bench.sampling.base import Sampler
from tests.evaluation.conftest import digits, measured

IMAGES = 64
CODE = "0" * 8


class Dots(Sampler):
    """The same image again and again, of a kind that the extractor is all too sure of."""

    levels = (1, 0)

    def __init__(self, *, forward, network, latent, event_shape):
        self.shape = event_shape

    @property
    def network_evaluations(self):
        return math.nan

    def start(self, num, rng):
        dots = torch.full((num, *self.shape), -1.0)
        dots[..., ::2, ::2] = 1.0
        return dots

    def step(self, y, level, below, rng):
        return y


def carried_out(folder, parts: Parts, *units: tuple[str, object, str | None]) -> list[str]:
    worker = StoreWorker(str(folder), parts=parts)
    attempts = [
        worker(Unit(kind, spec_id(spec), spec.model_dump(mode="json"), needs))
        for kind, spec, needs in units
    ]
    return [attempt.ending for attempt in attempts]


def test_a_score_and_a_cost_that_are_no_numbers_end_no_unit(tmp_path) -> None:
    training = digits(data={"kind": "natural_patches", "image_size": 16})
    spec = measured(
        training,
        {
            "kind": "generate",
            "sampler": {"kind": "python", "name": "Dots", "code": CODE, "arguments": {}},
            "num_images": IMAGES,
            "reference": {"split": "test", "extractor": "patches16_cnn_v1"},
        },
    )
    parts = Parts({part_key("Dots", CODE): cloudpickle.dumps(Dots)})
    units = ("training", training, None), ("evaluation", spec, spec_id(training))
    assert carried_out(tmp_path, parts, *units) == ["ok", "ok"]

    store, digest = Store(tmp_path), code_digest("evaluation")
    outcome = store.outcome("evaluation", spec_id(spec), digest)
    assert outcome is not None
    full = {name: f"{name}.patches16_cnn_v1.n{IMAGES}" for name in GENERATION_METRICS}
    score = full.pop("inception_score")
    assert set(outcome.metrics) == set(full.values())
    assert all(map(math.isfinite, [*outcome.metrics.values(), *outcome.cost.values()]))
    assert set(outcome.gaps) == {score, "nfe", "flops"}
    assert "nearly equal" in outcome.gaps[score]
    assert outcome.gaps["nfe"] == "its value is nan"
    # nothing is left to be tried again
    assert carried_out(tmp_path, parts, units[1]) == ["found"]
