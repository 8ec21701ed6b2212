from dataclasses import replace

import pytest

from rgm_bench.execution.base import Unit
from rgm_bench.plan import make_plan
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View


def states(plan) -> dict[str, int]:
    found: dict[str, int] = {}
    for planned in plan.units:
        key = f"{planned.unit.kind} {planned.state}"
        found[key] = found.get(key, 0) + 1
    return found


def put(store: Store, unit: Unit, digest: str, status="ok") -> None:
    reason, images = None if status == "ok" else "planted", unit.spec.get("images", 0)
    store.commit(
        Outcome(
            unit.kind, unit.id, digest, status, reason, images, unit.spec, cost={"seconds": 2.0}
        )
    )


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def test_an_empty_store_holds_nothing(tiny_study, store) -> None:
    plan = make_plan(tiny_study, View(store))
    assert states(plan) == {"training missing": 2, "evaluation missing": 4}
    assert plan.estimated_seconds(2) is None


def test_a_shared_training_is_one_unit(tiny_study, store) -> None:
    twice = replace(tiny_study, trials=tiny_study.trials * 2)
    assert len(make_plan(twice, View(store)).units) == 6


@pytest.mark.parametrize(
    ("policy", "evaluation", "training"),
    [("warn", "stale", "stale"), ("strict", "missing", "missing"), ("ignore", "done", "done")],
)
def test_results_of_other_code(tiny_study, store, policy, evaluation, training) -> None:
    for planned in make_plan(tiny_study, View(store)).units:
        put(store, planned.unit, "0" * 8)
    plan = make_plan(tiny_study, View(store, policy))
    assert states(plan) == {f"training {training}": 2, f"evaluation {evaluation}": 4}


def test_a_missing_evaluation_needs_its_training_by_the_present_code(tiny_study, store) -> None:
    units = [planned.unit for planned in make_plan(tiny_study, View(store)).units]
    for unit in units:
        if unit.kind == "training" or unit.id != units[-4].id:
            put(store, unit, "0" * 8)
    for policy, other in (("warn", "stale"), ("ignore", "done")):
        assert states(make_plan(tiny_study, View(store, policy))) == {
            "training missing": 1,
            f"training {other}": 1,
            "evaluation missing": 1,
            f"evaluation {other}": 3,
        }


def test_a_training_that_nothing_needs_does_not_run(tiny_study, store) -> None:
    view = View(store)
    for planned in make_plan(tiny_study, view).units:
        if planned.unit.kind == "evaluation":
            put(store, planned.unit, view.digests["evaluation"])
    plan = make_plan(tiny_study, view)
    assert states(plan) == {"training unneeded": 2, "evaluation done": 4}
    assert not plan.missing


def test_a_diverged_unit_is_an_outcome(tiny_study, store) -> None:
    view = View(store)
    first = make_plan(tiny_study, view).units[0].unit
    put(store, first, view.digests["training"], "diverged")
    assert states(make_plan(tiny_study, view))["training diverged"] == 1


def test_the_estimate_scales_with_the_work_that_is_left(tiny_study, store) -> None:
    view = View(store)
    plan = make_plan(tiny_study, view)
    trainings = [planned for planned in plan.units if planned.unit.kind == "training"]
    put(store, trainings[0].unit, view.digests["training"])
    plan = make_plan(tiny_study, view)
    left = sum(planned.work for planned in plan.missing)
    assert plan.estimated_seconds(1) == pytest.approx(2.0 * left / trainings[0].work)
    assert plan.estimated_seconds(4) == pytest.approx(plan.estimated_seconds(1) / 4)
