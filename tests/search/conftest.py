"""A search whose trials are scored by a formula instead of by training."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rgm_bench.config.given_up import NOTHING_GIVEN_UP, GivenUp
from rgm_bench.config.load import load_study
from rgm_bench.config.spec import TrainingSource, spec_id
from rgm_bench.config.study import StudySpec
from rgm_bench.config.trial import Trial
from rgm_bench.metrics.names import MetricName
from rgm_bench.results.schema import Outcome, UnitKind
from tests.config.shipped import Nothing

SEARCH: Mapping[str, Any] = {
    "trials": 12,
    "seed": 3,
    "lag": 2,
    "sampler": {"kind": "tpe", "startup": 4},
    "objectives": [{"metric": "fid"}],
    "space": {
        "num_levels": {"field": "training.method.forward.num_levels", "values": [1, 2, 4]},
        "schedule": {
            "field": "training.method.forward.schedule",
            "values": ["original", "square"],
            "when": {"num_levels": [2, 4]},
        },
        "weight": {
            "field": "training.method.fidelity_weight", "low": 1e-4, "high": 1, "log": True,
        },
    },
}  # fmt: skip

WriteSearch = Callable[..., StudySpec]


@pytest.fixture
def write_search(tmp_path: Path) -> WriteSearch:
    """Write and load a study with a search; keys given replace those of `SEARCH`."""

    def write(**changes: Any) -> StudySpec:
        search = {k: v for k, v in (SEARCH | changes).items() if v is not None}
        evaluation = {
            "kind": "generate",
            "sampler": {"kind": "restoration"},
            "num_images": 64,
            "reference": {"split": "train", "extractor": "digits_cnn_v1"},
        }
        study = {
            "grammar": 1,
            "name": "found",
            "title": "A search",
            "base": {
                "training": {"preset": "rgm_digits"},
                "evaluations": {"generation": evaluation},
            },
            "search": search,
            "seeds": [0],
            "report": [{"kind": "search"}],
            "profiles": {"smoke": {}, "laptop": {}},
        }
        path = tmp_path / "found.yaml"
        YAML(typ="safe").dump(study, path)
        return load_study(path)

    return write


def score(trial: Trial) -> float:
    """Best at a weight of 0.03 and many levels; what is not trained to its end is worse."""
    assert isinstance(trial.spec.source, TrainingSource)
    training = trial.spec.source.training
    method: Any = training.method
    distance = abs(math.log10(method.fidelity_weight / 0.03))
    square = method.forward.schedule == "square"
    early = 2 / trial.spec.source.at
    return 1 + distance + early + 1 / method.forward.num_levels + 0.1 * square + 0.01 * trial.seed


class Scored(Nothing):
    """Results of the trials that were measured, as `score` has them unless told otherwise."""

    def __init__(self) -> None:
        self.measured: dict[str, Outcome] = {}
        self.without = NOTHING_GIVEN_UP

    def measure(
        self,
        trial: Trial,
        *,
        value: float | None = None,
        diverged: bool = False,
        gap: bool = False,
    ) -> None:
        name = MetricName("fid", trial.spec.measure.space, trial.spec.measure.count)
        if trial.real is None:
            value = score(trial) if value is None else value
        self.measured[trial.id] = Outcome(
            kind="evaluation",
            id=spec_id(trial.spec),
            digest="0" * 16,
            status="diverged" if diverged else "ok",
            reason=None,
            images=0,
            spec={},
            metrics={} if diverged or gap else {str(name): value or 1.0},
            gaps={str(name): "it overflows"} if gap else {},
            cost={"nfe": 4.0},
        )

    def outcome(self, kind: UnitKind, unit_id: str, /) -> Outcome | None:
        return self.measured.get(unit_id)

    def given_up(self, study: StudySpec, /) -> GivenUp:
        return self.without
