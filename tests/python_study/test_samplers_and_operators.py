"""Samplers and operators of the user's own measure models like any other."""

import json
from pathlib import Path

import pytest

from rgm_bench.config.spec import GenerateSpec, PythonPartSpec
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.errors import StudyError
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.python_study import load_python_study
from rgm_bench.results.store import Store, View
from tests.python_study.given import SAMPLER, WriteStudy, trainings

SHORT = ["training.images=64", "training.ema.decay=0"]

OPERATOR = '''
import rgm_bench
from rgm_bench.forward.operators import BlockAverage, LinearOperator


class Halves(LinearOperator):
    """What `block_average` with factor 2 is, written again."""

    def __init__(self):
        self.inner = BlockAverage(2)

    def apply(self, x):
        return self.inner.apply(x)

    def adjoint(self, y):
        return self.inner.adjoint(y)

    def pseudo_inverse(self, y):
        return self.inner.pseudo_inverse(y)

    def prox(self, x, y, weight):
        return self.inner.prox(x, y, weight)


def restore(operator):
    return {"kind": "restore", "problem": {"operator": operator}, "num_images": 16, "solver":
        {"kind": "plug_and_play", "relaxation": 0.1, "data_weight": 1, "iterations": 2,
         "num_levels": 1}}


study = rgm_bench.extend("base.yaml", {"base": {"evaluations": {
    "mine": restore(rgm_bench.part(Halves)),
    "shipped": restore({"kind": "block_average", "factor": 2}),
}}})
'''


def bring_on(study: StudySpec, store: Path) -> None:
    """Everything of the study but real images, in this process."""
    worker = StoreWorker(str(store), parts=study.parts)
    units = [planned.unit for planned in make_plan(study, View(Store(store))).units]
    assert [worker(unit).ending for unit in units] == ["ok"] * len(units)


def outcome_of(study: StudySpec, store: Path, **wanted: str) -> dict[str, dict[str, float]]:
    """Metrics and costs of the one trial that has these labels or this evaluation."""
    (trial,) = (t for t in study.trials if t.real is None and _is(t, wanted))
    (path,) = store.glob(f"evaluations/{trial.id}/*/result.json")
    return json.loads(path.read_text())


def _is(trial: Trial, wanted: dict[str, str]) -> bool:
    known = {**trial.labels, "evaluation": trial.evaluation}
    return all(known.get(name) == value for name, value in wanted.items())


def test_a_sampler_samples_the_training_of_the_arm_without_it(
    write: WriteStudy, tmp_path: Path
) -> None:
    study = load_python_study(write(SAMPLER), profile="smoke", overrides=SHORT)
    assert trainings(study)["every_second"] == trainings(study)["alone"]
    bring_on(study, tmp_path / "store")
    ours = outcome_of(study, tmp_path / "store", arm="every_second")
    whole = outcome_of(study, tmp_path / "store", arm="alone")
    assert (ours["cost"]["nfe"], whole["cost"]["nfe"]) == (2, 4)
    assert ours["metrics"] != whole["metrics"]


def test_its_code_and_arguments_are_in_the_id_of_the_evaluation(write: WriteStudy) -> None:
    def trial(text: str) -> Trial:
        study = load_python_study(write(text), profile="smoke")
        (found,) = (t for t in study.trials if t.labels.get("arm") == "every_second")
        return found

    first, other = trial(SAMPLER), trial(SAMPLER.replace("stride=2", "stride=3"))
    measure = first.spec.measure
    assert isinstance(measure, GenerateSpec)
    assert isinstance(measure.sampler, PythonPartSpec)
    assert measure.sampler.arguments == {"stride": 2}
    assert first.training_id == other.training_id
    assert first.id != other.id
    assert trial(SAMPLER.replace("level - 1", "level - 2")).id not in (first.id, other.id)


def test_an_operator_is_the_problem_of_a_restoration(write: WriteStudy, tmp_path: Path) -> None:
    study = load_python_study(write(OPERATOR), profile="smoke", overrides=SHORT)
    bring_on(study, tmp_path / "store")
    mine, shipped = (
        outcome_of(study, tmp_path / "store", evaluation=name) for name in ("mine", "shipped")
    )
    assert mine["metrics"] == shipped["metrics"]  # of the same operator, bit for bit
    assert mine["metrics"]["psnr.pixels.n16"] > 0


def test_an_operator_degrades_a_linear_forward_process(write: WriteStudy) -> None:
    text = OPERATOR.split("def restore")[0].replace("BlockAverage(2)", "BlockAverage(1)") + (
        "study = rgm_bench.extend('base.yaml', {'base': {'training': {'method': {'forward': "
        "{'kind': 'linear', 'num_levels': 4, 'operator': rgm_bench.part(Halves)}}}}})\n"
    )
    forward = trainings(load_python_study(write(text)))["alone"].method.forward
    assert forward.kind == "linear"
    assert isinstance(forward.operator, PythonPartSpec)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "(*range(forward.num_levels, 0, -stride), 0)",
            "(4, 2)",
            "Skipping: levels is (4, 2); set it in the constructor to a tuple of whole numbers "
            "that falls to 0, such as (4, 3, 2, 1, 0)",
        ),
        (
            "stride=2",
            "strides=2",
            "Skipping(strides=2) cannot be made: TypeError: Skipping.__init__() got an "
            "unexpected keyword argument 'strides'",
        ),
        (
            '{"evaluations": {"generation": {"sampler": skipping}}}',
            '{"training": {"method": {"prior": skipping}}}',
            "Skipping stands where a Prior belongs, and is no subclass of it",
        ),
    ],
)
def test_a_mistake_stops_the_study(
    write: WriteStudy, before: str, after: str, message: str
) -> None:
    assert before in SAMPLER
    with pytest.raises(StudyError) as raised:
        load_python_study(write(SAMPLER.replace(before, after)))
    assert message in str(raised.value)


def test_a_part_of_another_kind_is_no_sampler(write: WriteStudy) -> None:
    text = OPERATOR.split("def restore")[0] + (
        "study = rgm_bench.extend('base.yaml', {'base': {'evaluations': {'generation': {'sampler': "
        "rgm_bench.part(Halves)}}}})\n"
    )
    with pytest.raises(
        StudyError, match="Halves stands where a Sampler belongs, and is no subclass of it"
    ):
        load_python_study(write(text))
