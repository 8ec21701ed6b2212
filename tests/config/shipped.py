"""The studies that come with rgm-bench, loaded for the tests that read them."""

from functools import cache
from typing import Any

from ruamel.yaml import YAML

from rgm_bench.config.given_up import NOTHING_GIVEN_UP, GivenUp
from rgm_bench.config.load import load_study, packaged_studies
from rgm_bench.config.spec import TrainingSource, TrainingSpec, spec_id
from rgm_bench.config.study import StudySpec
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.search import searched

STUDIES = sorted(path.stem for path in packaged_studies().glob("*.yaml"))
OWN = [name for name in STUDIES if name != "official"]  # whose weights are trained here


def written(name: str) -> Any:
    return YAML(typ="safe").load(packaged_studies() / f"{name}.yaml")


PROFILES = [(name, profile) for name in STUDIES for profile in written(name)["profiles"]]


class Nothing:
    """Results of which there are none yet: a search has the trials it begins with."""

    def outcome(self, kind: UnitKind, unit_id: str, /) -> Outcome | None:
        return None

    def curve(self, training_id: str, /) -> None:
        return None

    def grid(self, evaluation_id: str, /) -> None:
        return None

    def points(self, evaluation_id: str, /) -> None:
        return None

    def given_up(self, study: StudySpec, /) -> GivenUp:
        return NOTHING_GIVEN_UP


@cache
def study(name: str, profile: str) -> StudySpec:
    return searched(load_study(packaged_studies() / f"{name}.yaml", profile=profile), Nothing())


def trainings(name: str, profile: str) -> dict[str, TrainingSpec]:
    sources = [trial.spec.source for trial in study(name, profile).trials]
    found = [source.training for source in sources if isinstance(source, TrainingSource)]
    return {spec_id(training): training for training in found}


def arm(name: str, profile: str, label: str) -> TrainingSpec:
    return next(
        trial.spec.source.training
        for trial in study(name, profile).trials
        if trial.labels.get("arm") == label and isinstance(trial.spec.source, TrainingSource)
    )
