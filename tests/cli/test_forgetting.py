"""What is forgotten before a study runs again, and what is left to those who work on it."""

from pathlib import Path

import pytest

from rgm_bench.cli.forgetting import forget, left_lines
from rgm_bench.config.load import load_study
from rgm_bench.plan import Plan, make_plan
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View

SHIPPED = Path(__file__).parents[2] / "studies" / "lambda_sweep.yaml"
OVERRIDES = ["seeds=[0]", "axes.fidelity_weight.values=[0, 0.05]"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def plan(store: Store) -> Plan:
    """All units of two arms, the trainings of both `ok` and what measures the first diverged."""
    view = View(store)
    study = load_study(SHIPPED, profile="smoke", overrides=OVERRIDES)
    units = [planned.unit for planned in make_plan(study, view).units]
    for unit in units:
        status = "diverged" if unit.needs == units[0].id else "ok"
        reason, images = ("planted" if status == "diverged" else None), unit.spec.get("images", 0)
        digest = view.digests[unit.kind]
        store.commit(Outcome(unit.kind, unit.id, digest, status, reason, images, unit.spec))
    return make_plan(study, view)


def kept(store: Store) -> set[str]:
    return {path.parent.parent.name for path in store.root.glob("*/*/*/result.json")}


def test_what_diverged_is_forgotten_where_nothing_is_named(plan, store) -> None:
    diverged = {p.unit.id for p in plan.units if p.state == "diverged"}
    done = forget(plan, set(), store)
    assert (done.number, done.left) == (len(diverged), {})
    assert kept(store) == {p.unit.id for p in plan.units} - diverged
    assert list((store.root / "leases").iterdir()) == []


def test_a_training_goes_with_what_measured_it(plan, store) -> None:
    training = plan.units[1].unit.id
    gone = {p.unit.id for p in plan.units if training in (p.unit.id, p.unit.needs)}
    assert forget(plan, {training}, store).number == len(gone) > 1
    assert kept(store) == {p.unit.id for p in plan.units} - gone


def test_a_training_at_work_is_left_with_what_measures_it(plan, store) -> None:
    first, second = plan.units[0].unit.id, plan.units[1].unit.id
    lease = store.lease("training", first)
    assert lease is not None
    with lease:
        done = forget(plan, {first, second}, store)
    left = {p.unit.id for p in plan.units if first in (p.unit.id, p.unit.needs)}
    assert set(done.left) == left
    assert done.left[first] == "another command works on it"
    assert left <= kept(store)
    assert second not in kept(store)
    lines = list(left_lines(done.left, plan))
    assert len(lines) == len(left)
    assert lines[0].startswith(f"left:     training {first} (")


def test_a_training_that_is_being_measured_is_left(plan, store) -> None:
    training = plan.units[0].unit.id
    measures = next(p.unit.id for p in plan.units if p.unit.needs == training)
    before = kept(store)
    lease = store.lease("evaluation", measures)
    assert lease is not None
    with lease:
        done = forget(plan, {training}, store)
    assert (done.number, done.left[training]) == (0, "another command measures it")
    assert kept(store) == before
