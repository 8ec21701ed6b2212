"""What a search has asked for is no garbage: its trials are nowhere but in its results."""

from collections.abc import Mapping
from pathlib import Path

from rgm_bench.config.search import TRIAL
from rgm_bench.config.trial import Trial
from rgm_bench.metrics.names import MetricName
from rgm_bench.results.journal import Journal
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.results.store import Store, View
from rgm_bench.search import searched
from rgm_bench.search.run import SearchRun
from rgm_bench.upkeep.garbage import find_garbage
from rgm_bench.upkeep.kept_studies import kept_studies
from tests.search.conftest import WriteSearch, score

ASHA = {"kind": "asha", "rungs": [0.25, 0.5], "reduction": 2}
CONFIRM = {"top": 2, "seeds": [100], "reference_split": "test"}


def measure(trial: Trial, view: View) -> None:
    """Commit a training as far as the trial needs it, with a checkpoint, and the trial's score."""
    digests: Mapping[UnitKind, str] = view.digests
    if trial.training is not None and trial.training_id is not None:
        spec = trial.fields["source"]["training"]
        images = trial.training.images_at(trial.fields["source"]["at"])
        digest = digests["training"]
        view.store.commit(Outcome("training", trial.training_id, digest, "ok", None, images, spec))
        folder = view.store.folder("training", trial.training_id, digest)
        (folder / "checkpoint.safetensors").write_bytes(b"half way")
    name = str(MetricName("fid", trial.spec.measure.space, trial.spec.measure.count))
    metrics = {name: 1.0 if trial.real else score(trial)}
    digest, spec = digests["evaluation"], trial.fields
    view.store.commit(Outcome("evaluation", trial.id, digest, "ok", None, 0, spec, metrics))


def test_nothing_of_a_search_is_garbage(write_search: WriteSearch, tmp_path: Path):
    study, view = write_search(pruner=ASHA, confirm=CONFIRM), View(Store(tmp_path / "store"))
    view.store.claim_study_folder(study)
    search = SearchRun(study, view)
    waiting = search.advance()
    while waiting:
        measure(waiting.pop(), view)
        waiting += search.advance()
    states = {suggestion.state for suggestion in search.suggestions}
    assert states == {"finished", "pruned"}
    (kept,) = kept_studies(view.store)
    assert [t.labels.get(TRIAL) for t in kept.read(view).trials] == [
        t.labels.get(TRIAL) for t in search.study.trials
    ]
    garbage = find_garbage(view.store)
    whole = {t.training_id for t in search.study.trials if t.fields["source"].get("at") == 1.0}
    assert {g.why for g in garbage} == {"checkpoint of a finished training"}
    assert {g.unit[1] for g in garbage if g.unit} == whole


def test_what_a_search_has_run_is_kept_while_an_earlier_trial_is_missing(
    write_search: WriteSearch, tmp_path: Path
):
    study, view = write_search(confirm=CONFIRM), View(Store(tmp_path / "store"))
    journal = Journal(view.store.claim_study_folder(study) / "journal")
    search = SearchRun(study, view)
    waiting = search.advance()
    while waiting:
        trial = waiting.pop()
        measure(trial, view)
        for unit_id in filter(None, (trial.training_id, trial.id)):
            journal.append("ok", unit=unit_id)
        waiting += search.advance()
    journal.close()
    first = next(t for t in search.study.trials if t.labels.get(TRIAL) == 1)
    checkpoints = find_garbage(view.store)
    view.store.forget("evaluation", first.id)
    assert len(searched(study, view).trials) < len(search.study.trials)
    assert find_garbage(view.store) == checkpoints
    stray = Outcome(
        "training", "f" * 16, "0" * 16, "ok", None, 1, {"images": 1, "method": {"kind": "rgm"}}
    )  # of no study
    view.store.commit(stray)
    assert {g.unit[1] for g in find_garbage(view.store) if g.unit} - {
        g.unit[1] for g in checkpoints if g.unit
    } == {"f" * 16}
