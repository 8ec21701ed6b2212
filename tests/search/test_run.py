"""What a search does is a function of its study and of results, however those came about."""

import random
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rgm_bench.config.claim_names import CLAIM_METRICS
from rgm_bench.config.given_up import NOTHING_GIVEN_UP, GivenUp, GivenUpUnit
from rgm_bench.config.search import CONFIRMED, TRIAL, Dimension, Range, SearchSpec
from rgm_bench.config.spec import GenerateSpec, TrainingSource
from rgm_bench.config.study import StudySpec
from rgm_bench.config.trial import Trial
from rgm_bench.errors import UserError
from rgm_bench.execution.base import Attempt, Perform, ShouldStop, Unit
from rgm_bench.execution.budget import Budget
from rgm_bench.execution.local import LocalExecutor
from rgm_bench.plan import make_plan
from rgm_bench.report.columns import COLUMNS
from rgm_bench.report.figures.search import search_drawings
from rgm_bench.report.style import rendered
from rgm_bench.results.journal import Journal
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, View
from rgm_bench.search import searched
from rgm_bench.search.export import export_search, uri_of
from rgm_bench.search.optuna_study import OptunaStudy
from rgm_bench.search.run import HIGHER_IS_BETTER, SearchRun
from rgm_bench.session import grow_search, open_search
from rgm_bench.study_run import Driver, SilentObserver, Summary
from rgm_bench.tracking.null import NullTracker
from tests.search.conftest import Scored, WriteSearch, score

ASHA: Mapping[str, Any] = {"kind": "asha", "rungs": [0.25, 0.5], "reduction": 2}


def run(study: StudySpec, results: Scored, *, workers: int, seed: int) -> SearchRun:
    """Measure what a search needs, `workers` at once, in an order of chance."""
    rng = random.Random(seed)
    search = SearchRun(study, results)
    waiting = search.advance()
    while waiting:
        rng.shuffle(waiting)
        done, waiting = waiting[:workers], waiting[workers:]
        for trial in done:
            results.measure(trial)
            waiting += search.advance()
    return search


def asked(search: SearchRun) -> list[dict[str, Any]]:
    return [asdict(suggestion) for suggestion in search.suggestions]


@pytest.mark.parametrize("pruner", [None, ASHA])
@pytest.mark.parametrize("kind", ["tpe", "random", "nsga2"])
def test_workers_and_their_order_change_nothing(
    write_search: WriteSearch, kind: str, pruner: Mapping[str, Any] | None
):
    study = write_search(sampler={"kind": kind}, pruner=pruner)
    first = asked(run(study, Scored(), workers=1, seed=0))
    assert len(first) == 12
    for workers in (1, 2, 3, 8):
        assert asked(run(study, Scored(), workers=workers, seed=workers)) == first


def test_a_search_goes_on_where_it_was(write_search: WriteSearch):
    study, results = write_search(pruner=ASHA), Scored()
    whole = asked(run(study, Scored(), workers=2, seed=0))
    search = SearchRun(study, results)
    for _ in range(9):
        for trial in search.advance()[:1]:
            results.measure(trial)
    again = SearchRun(study, results)  # a driver that was killed leaves its results only
    again.advance()
    assert asked(again) == asked(search)
    assert asked(run(study, results, workers=2, seed=1)) == whole


@pytest.mark.parametrize("lag", [0, 1, 3])
def test_a_trial_is_drawn_from_those_before_it_by_more_than_the_lag(
    write_search: WriteSearch, lag: int
):
    study = write_search(lag=lag, sampler={"kind": "tpe", "startup": 2}, trials=9)

    def drawn(odd: int) -> list[Any]:
        """The values of all trials where one has scored other than the formula."""
        results = Scored()
        search = SearchRun(study, results)
        waiting = search.advance()
        while waiting:
            trial = waiting.pop(0)
            is_odd = trial.labels.get(TRIAL) == odd
            results.measure(trial, value=0.001 if is_odd else None)
            waiting += search.advance()
        return [suggestion.values for suggestion in search.suggestions]

    usual, other = drawn(-1), drawn(4)
    assert other[: 5 + lag] == usual[: 5 + lag]
    assert other != usual


@pytest.mark.parametrize("lag", [0, 2, 4])
def test_lag_and_one_more_train_at_once(write_search: WriteSearch, lag: int):
    results = Scored()
    search = SearchRun(write_search(lag=lag), results)
    waiting = [trial for trial in search.advance() if trial.real is None]
    assert len(waiting) == lag + 1
    results.measure(waiting[-1])  # the last of them is no help while the first is not there
    assert len(search.advance()) == (1 if lag == 0 else 0)


def test_a_pruned_trial_is_looked_at_no_further(write_search: WriteSearch):
    search = run(write_search(pruner=ASHA, trials=20), Scored(), workers=3, seed=0)
    pruned = {s.number: max(s.rungs) for s in search.suggestions if s.state == "pruned"}
    assert 5 < len(pruned) < 18
    for trial in search.study.trials:
        if (number := trial.labels.get(TRIAL)) in pruned:
            assert isinstance(trial.spec.source, TrainingSource)
            assert trial.spec.source.at <= pruned[number]


@pytest.mark.parametrize("how", ["diverged", "gap"])
def test_a_trial_without_a_score_is_passed_over(write_search: WriteSearch, how: str):
    results = Scored()
    search = SearchRun(write_search(), results)
    waiting = search.advance()
    while waiting:
        trial = waiting.pop(0)
        results.measure(trial, **{how: trial.labels.get(TRIAL) in (0, 3)})
        waiting += search.advance()
    states = [suggestion.state for suggestion in search.suggestions]
    assert states == [("diverged" if i in (0, 3) else "finished") for i in range(12)]


def run_without(
    study: StudySpec, results: Scored, numbers: set[int], *, at: float, workers: int = 1
) -> SearchRun:
    """Measure what a search needs; what trials need from a share on fails, and is given up."""
    search, waiting = SearchRun(study, results), list[Trial]()
    while True:
        waiting += search.advance()
        stuck = [t for t in waiting if t.labels.get(TRIAL) in numbers and (t.at or 0) >= at]
        others = [trial for trial in waiting if trial not in stuck]
        for trial in others[:workers]:
            results.measure(trial)
        waiting = [*others[workers:], *stuck]
        if not others and not stuck:
            return search
        if not others:  # the search waits for what fails
            trial = stuck[0]
            assert trial.training
            done = trial.training.images_at(at) - 1
            lost = GivenUpUnit("planted", images=done)
            results.without = GivenUp({**results.without.units, str(trial.training_id): lost})
            numbers = numbers - {int(trial.labels[TRIAL])}
            search, waiting = SearchRun(study, results), []
            missing = [t for t in search.advance() if results.outcome("evaluation", t.id) is None]
            waiting = [trial for trial in missing if not results.without.lost(trial)]


@pytest.mark.parametrize("at", [0.25, 1.0])
def test_a_search_goes_on_without_what_was_given_up(write_search: WriteSearch, at: float):
    """Also where a rung was reached before the training failed, at any number of workers."""
    study = write_search(pruner=ASHA)
    first = asked(run_without(study, Scored(), {0, 5}, at=at))
    failed = {s["number"] for s in first if s["state"] == "failed"}
    assert failed == ({0, 5} if at < 1 else {0})  # 5 is pruned before it comes so far
    assert len(first) == 12
    for workers in (2, 3):
        results = Scored()
        assert asked(run_without(study, results, {0, 5}, at=at, workers=workers)) == first
        assert asked(run(study, results, workers=1, seed=0)) == first  # as it is read again


def test_a_result_that_comes_later_changes_no_trial(write_search: WriteSearch):
    study, results = write_search(), Scored()
    without = asked(run_without(study, results, {1}, at=1.0))
    for trial in searched(study, results).trials:
        results.measure(trial, value=0.001)
    assert [s["values"] for s in asked(run(study, results, workers=1, seed=0))][:4] == [
        s["values"] for s in without
    ][:4]
    assert searched(study, results).found.suggestions[1].state == "failed"


def test_what_is_taken_back_leaves_no_trace(write_search: WriteSearch):
    study, results = write_search(pruner=ASHA), Scored()
    run_without(study, results, {2}, at=0.25)
    results.without = NOTHING_GIVEN_UP
    whole = asked(run(study, Scored(), workers=2, seed=0))
    assert asked(run(study, results, workers=2, seed=0)) == whole


def test_what_was_good_is_looked_at_more(write_search: WriteSearch):
    study = write_search(trials=40, sampler={"kind": "tpe", "startup": 10})
    search = run(study, Scored(), workers=2, seed=0)
    scores = [suggestion.scores[0] for suggestion in search.suggestions if suggestion.scores]
    assert sum(scores[20:]) < 0.9 * sum(scores[:20])


def test_a_grid_has_each_combination_once(write_search: WriteSearch):
    space = {
        "num_levels": {"field": "training.method.forward.num_levels", "values": [1, 2, 4]},
        "schedule": {
            "field": "training.method.forward.schedule", "values": ["original", "square"],
            "when": {"num_levels": [2, 4]},
        },
    }  # fmt: skip
    study = write_search(space=space, sampler={"kind": "grid"}, trials=5)
    values = [s.values for s in run(study, Scored(), workers=1, seed=0).suggestions]
    assert values == [
        {"num_levels": 1},
        {"num_levels": 2, "schedule": "original"},
        {"num_levels": 2, "schedule": "square"},
        {"num_levels": 4, "schedule": "original"},
        {"num_levels": 4, "schedule": "square"},
    ]


def test_the_best_are_confirmed_with_other_seeds_and_images(write_search: WriteSearch):
    confirm = {"top": 2, "seeds": [100, 101], "reference_split": "test"}
    search = run(write_search(confirm=confirm), Scored(), workers=2, seed=0)
    ranked = sorted(search.suggestions, key=lambda s: s.scores or ())
    assert search.confirmed == tuple(s.number for s in ranked[:2])
    confirming = [t for t in search.study.trials if t.evaluation.endswith(CONFIRMED)]
    generated = [t for t in confirming if t.real is None]
    assert sorted((t.labels[TRIAL], t.seed) for t in generated) == sorted(
        (number, seed) for number in search.confirmed for seed in (100, 101)
    )
    for trial in generated:
        assert isinstance(trial.spec.measure, GenerateSpec)
        assert trial.spec.measure.reference.split == "test"
        assert trial.training is not None
        assert trial.training.seed == trial.seed
    assert {t.real for t in confirming if t.real} == {"train", "test"}


def test_two_objectives_confirm_what_nothing_beats_in_both(write_search: WriteSearch):
    study = write_search(
        objectives=[{"metric": "fid"}, {"metric": "nfe"}],
        sampler={"kind": "nsga2", "population": 4},
        confirm={"top": 12, "seeds": [100]},
    )

    class ByLevels(Scored):
        def measure(self, trial: Trial, **given: Any) -> None:
            super().measure(trial, **given)
            if trial.training is not None:
                method: Any = trial.training.method
                self.measured[trial.id].cost["nfe"] = method.forward.num_levels  # type: ignore[index]

    search = run(study, ByLevels(), workers=2, seed=0)
    points = {s.number: s.scores for s in search.suggestions if s.scores}
    unbeaten = {
        number
        for number, (fid, nfe) in points.items()
        if not any(f <= fid and n <= nfe and (f, n) != (fid, nfe) for f, n in points.values())
    }
    assert set(search.confirmed) == unbeaten
    assert unbeaten < set(points)


@given(
    top=st.integers(1, 6),
    points=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20),
)
def test_of_a_front_both_ends_are_confirmed_and_what_lies_between_them(
    top: int, points: list[tuple[int, int]]
):
    space = (Dimension("x", Range(0.0, 1.0, log=False), {}),)
    spec = SearchSpec.model_validate(
        {
            "trials": len(points),
            "sampler": {"kind": "random"},
            "objectives": ({"metric": "fid"}, {"metric": "nfe"}),
            "space": {"x": {"low": 0.0, "high": 1.0}},
        }
    )
    study = OptunaStudy(spec, space, ["minimize", "minimize"])
    for number, values in enumerate(points):
        study.ask()
        study.tell(number, values)
    front = sorted(
        p for p in {*points} if not any(a <= p[0] and b <= p[1] and (a, b) != p for a, b in points)
    )
    chosen = [points[number] for number in study.best(top)]
    assert len(chosen) == len({*chosen}) == min(top, len(front))
    assert {*chosen} <= {*front}
    assert chosen == sorted(chosen)
    assert chosen[0] == front[0]
    if top > 1:
        assert chosen[-1] == front[-1]
    between = [front.index(point) for point in chosen]
    steps = [b - a for a, b in pairwise(between)]
    assert max(steps, default=0) - min(steps, default=0) <= 1


def test_the_study_has_the_trials_that_results_lead_to(write_search: WriteSearch):
    study, results = write_search(), Scored()
    begun = searched(study, results).trials
    assert [trial.real for trial in begun] == [None] * 3 + ["train", "test"]  # the lag and one more
    search = run(study, results, workers=1, seed=0)
    assert searched(study, results).trials == search.study.trials
    assert searched(study, results).axes == {TRIAL: tuple(range(12))}


def test_a_score_is_the_mean_over_seeds(write_search: WriteSearch, tmp_path: Any):
    from rgm_bench.config.load import load_study

    write_search()
    study = load_study(tmp_path / "found.yaml", overrides=["seeds=[0, 1, 2]"])
    search = run(study, Scored(), workers=2, seed=0)
    for suggestion in search.suggestions:
        own = [t for t in search.study.trials if t.labels.get(TRIAL) == suggestion.number]
        assert suggestion.scores == pytest.approx((sum(map(score, own)) / 3,))


def test_a_search_is_exported_for_optunas_own_tools(write_search: WriteSearch, tmp_path: Path):
    study, results = write_search(pruner=ASHA), Scored()
    search = run(study, results, workers=2, seed=0)
    path = tmp_path / "optuna.db"
    assert export_search(study, results, path) == 12
    copied = optuna.load_study(study_name="found/laptop", storage=f"sqlite:///{path}")
    assert [trial.params for trial in copied.trials] == [s.values for s in search.suggestions]
    finished = [s.scores[0] for s in search.suggestions if s.scores]
    assert copied.best_value == min(finished)
    assert sum(t.state.name == "PRUNED" for t in copied.trials) == 12 - len(finished)
    with pytest.raises(UserError, match="is there already"):
        export_search(study, results, path)


def test_a_search_is_exported_into_a_folder_of_any_name(write_search: WriteSearch, tmp_path: Path):
    study, results = write_search(), Scored()
    search = run(study, results, workers=1, seed=0)
    folder = tmp_path / "a%20b?c#d é"
    folder.mkdir()
    export_search(study, results, folder / "optuna.db")
    copied = optuna.load_study(study_name="found/laptop", storage=uri_of(folder / "optuna.db"))
    assert len(copied.trials) == len(search.suggestions)
    assert [path.name for path in folder.iterdir()] == ["optuna.db"]
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [folder]


def test_the_order_in_which_results_came_leaves_no_trace(write_search: WriteSearch):
    study = write_search(pruner=ASHA, confirm={"top": 2, "seeds": [100]})
    results = Scored()
    live = run(study, results, workers=3, seed=5)
    assert searched(study, results).trials == live.study.trials


def test_better_means_what_it_means_in_reports():
    for metric in (metric for metrics in CLAIM_METRICS.values() for metric in metrics):
        if COLUMNS[metric].better is not None:
            assert (metric in HIGHER_IS_BETTER) == (COLUMNS[metric].better == "higher")


def test_a_search_is_drawn_with_a_front_where_it_has_two_objectives(write_search: WriteSearch):
    objectives = [{"metric": "fid"}, {"metric": "nfe"}]
    for some, names in (
        (objectives[:1], ["history", "slices", "importances"]),
        (objectives, ["history", "slices", "importances", "front"]),
    ):
        study = write_search(objectives=some, sampler={"kind": "random"})
        found = run(study, Scored(), workers=1, seed=0).study
        drawn = list(search_drawings(found))
        assert [drawing.name for drawing in drawn] == [f"search_{name}" for name in names]
        assert all(len(picture) > 1000 for d in drawn for picture in rendered(d.figure))


def drive(study: StudySpec, view: View, perform: Perform, folder: Path) -> Summary:
    """Bring a search to complete with units that `perform` carries out."""
    search, journal = open_search(study, view), Journal(folder)
    assert search is not None
    driver = Driver(
        study=search.study,
        plan=make_plan(search.study, view),
        view=view,
        executor=LocalExecutor(perform),
        budget=Budget(),
        journal=journal,
        tracker=NullTracker(),
        observer=SilentObserver(),
        grow=partial(grow_search, search, view),
    )
    try:
        return driver.run()
    finally:
        journal.close()


def commit(view: View, unit: Unit) -> Attempt:
    name = {"fid.digits_cnn_v1.n64": 1.0} if unit.kind == "evaluation" else {}
    digest, images = view.digests[unit.kind], unit.spec.get("images", 0)
    view.store.commit(Outcome(unit.kind, unit.id, digest, "ok", None, images, unit.spec, name))
    return Attempt(unit.id, "ok", 0.0)


LEVELS: Mapping[str, Any] = {
    "levels": {"field": "training.method.forward.num_levels", "values": [1, 2, 4]}
}
"""A space so small that trials share trainings."""


def test_trials_that_share_a_training_run_it_once(write_search: WriteSearch, tmp_path: Path):
    study = write_search(space=LEVELS, sampler={"kind": "random"}, lag=1, seed=0, trials=8)
    view, ran = View(Store(tmp_path / "store")), list[str]()

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        ran.append(unit.id)
        return commit(view, unit)

    summary = drive(study, view, perform, tmp_path / "journal")
    assert searched(study, view).found.suggestions[-1].state == "finished"
    assert len(ran) == len(set(ran)) == summary.num_done == 3 + 3 + 2  # and rows of real images


def test_trials_that_share_a_failed_training_are_blocked_and_it_runs_once(
    write_search: WriteSearch, tmp_path: Path
):
    """Two evaluations of trials with one training: the second is asked for once it has failed."""
    noise = {"field": "evaluations.generation.sampler.noise_factor", "values": [1, 0.5]}
    levels = {"field": "training.method.forward.num_levels", "values": [1, 4, 2]}
    space = {"noise": noise, "levels": levels}
    study = write_search(space=space, sampler={"kind": "grid"}, lag=3, trials=6)
    view, ran = View(Store(tmp_path / "store")), list[str]()

    def perform(unit: Unit, should_stop: ShouldStop) -> Attempt:
        ran.append(unit.id)
        if unit.kind == "training" and unit.spec["method"]["forward"]["num_levels"] == 4:
            return Attempt(unit.id, "failed", 0.0, "planted", failure="code error")
        return commit(view, unit)

    summary = drive(study, view, perform, tmp_path / "journal")
    assert len(ran) == len(set(ran))
    assert len(summary.failed) == 1
    missing = {planned.unit.id for planned in make_plan(searched(study, view), view).missing}
    assert missing == {*summary.failed, *summary.blocked}
    assert len(summary.blocked) == 2
