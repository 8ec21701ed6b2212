"""What a store can do without, in a store with real results, leases and files."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.errors import StoreError
from rgm_bench.execution.base import Unit
from rgm_bench.plan import make_plan
from rgm_bench.results.lease import Lease
from rgm_bench.results.schema import Outcome, UnitKind
from rgm_bench.results.store import Store, View
from rgm_bench.upkeep.garbage import LEFT_OVER_SECONDS, find_garbage, remove_garbage

OTHER = "0" * 8


def load(seeds: list[int]):
    overrides = [f"seeds={seeds}", "axes.fidelity_weight.values=[0, 0.05]"]
    path = packaged_studies() / "lambda_sweep.yaml"
    return load_study(path, profile="smoke", overrides=overrides)


def finish(view: View, unit: Unit, digest: str | None = None) -> Path:
    digest = digest or view.digests[unit.kind]
    images = unit.spec.get("images", 0)
    view.store.commit(Outcome(unit.kind, unit.id, digest, "ok", None, images, unit.spec))
    return view.store.folder(unit.kind, unit.id, digest)


@pytest.fixture
def view(tmp_path: Path) -> View:
    """A store with one study, all of it finished."""
    view = View(Store(tmp_path / "store"))
    study = load([0])
    for planned in make_plan(study, view).units:
        finish(view, planned.unit)
    view.store.claim_study_folder(study)
    return view


def unit_of(view: View, kind: UnitKind) -> Unit:
    units = (planned.unit for planned in make_plan(load([0]), view).units)
    return next(unit for unit in units if unit.kind == kind)


def files(store: Store) -> set[Path]:
    return {path for path in store.root.rglob("*") if path.is_file()}


def found(view: View) -> dict[str, str]:
    root = view.store.root
    return {str(g.path.relative_to(root)): g.why for g in find_garbage(view.store)}


def age(path: Path, seconds: float = 2 * LEFT_OVER_SECONDS) -> Path:
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_a_store_without_garbage_keeps_every_file(view) -> None:
    before = files(view.store)
    assert find_garbage(view.store) == []
    assert list(remove_garbage(view.store, [])) == []
    assert files(view.store) == before


def test_what_no_study_refers_to_is_found_with_its_size_and_only_it_is_removed(view) -> None:
    kept = files(view.store)
    unneeded = [p.unit for p in make_plan(load([7]), view).units]
    folders = [finish(view, unit) for unit in unneeded]
    (folders[0] / "log.txt").write_text("x" * 1000)
    garbage = find_garbage(view.store)
    assert {each.path for each in garbage} == {folder.parent for folder in folders}
    assert {each.why for each in garbage} == {"no study refers to it"}
    own = files(view.store) - kept
    assert sum(each.num_bytes for each in garbage) == sum(p.stat().st_size for p in own)
    assert list(remove_garbage(view.store, garbage)) == garbage
    assert files(view.store) == kept
    assert find_garbage(view.store) == []


def test_what_a_second_study_refers_to_is_no_garbage(view) -> None:
    other = load([7])
    for planned in make_plan(other, view).units:
        finish(view, planned.unit)
    view.store.claim_study_folder(other)
    assert find_garbage(view.store) == []


def test_older_results_go_where_a_newer_one_is(view) -> None:
    unit = unit_of(view, "training")
    older = finish(view, unit, OTHER)
    place = str(older.relative_to(view.store.root))
    assert found(view) == {place: "a newer result is there"}
    # with nothing by the present code it is what the study refers to
    (view.store.folder("training", unit.id, view.digests["training"]) / "result.json").unlink()
    assert found(view) == {}


def test_a_checkpoint_is_kept_while_somebody_may_resume_it(view) -> None:
    unit = unit_of(view, "training")
    folder = view.store.folder("training", unit.id, view.digests["training"])
    checkpoint = folder / "checkpoint.safetensors"
    checkpoint.write_bytes(b"x" * 10)
    place = str(checkpoint.relative_to(view.store.root))
    assert found(view) == {place: "checkpoint of a finished training"}
    (folder / "result.json").unlink()
    assert found(view) == {}
    by_other = folder.with_name(OTHER)
    folder.rename(by_other)
    assert found(view) == {str(by_other.relative_to(view.store.root)): "unfinished, by other code"}


def test_temporary_files_count_once_they_are_old(view) -> None:
    folder = view.store.root / "evaluations"
    temporary = folder / ".result.json.123.0a1b2c3d"
    temporary.write_bytes(b"x")
    assert found(view) == {}
    age(temporary)
    assert list(found(view).values()) == ["left by a process that died"]
    assert len(list(remove_garbage(view.store, find_garbage(view.store)))) == 1
    assert not temporary.exists()


def test_what_a_living_process_works_on_is_left_alone(view) -> None:
    units = [p.unit for p in make_plan(load([7]), view).units]
    folders = [finish(view, unit) for unit in units]
    leases = view.store.root / "leases"
    first, second = units[0], units[1]
    held = Lease.acquire(leases, first.kind, first.id)
    garbage = find_garbage(view.store)
    assert folders[0].parent not in {each.path for each in garbage}
    begun = Lease.acquire(leases, second.kind, second.id)  # after the list was made
    removed = list(remove_garbage(view.store, garbage))
    assert len(removed) == len(garbage) - 1
    assert folders[0].exists()
    assert folders[1].exists()
    assert held is not None
    assert begun is not None


LEASE_AND_DIE = (
    "import os, pathlib, sys; from rgm_bench.results.lease import Lease;"
    "Lease.acquire(pathlib.Path(sys.argv[1]), 'training', 'a' * 16); os._exit(9)"
)


def test_the_lease_of_a_dead_process_is_garbage(view) -> None:
    leases = view.store.root / "leases"
    subprocess.run([sys.executable, "-c", LEASE_AND_DIE, str(leases)], check=False)
    assert list(found(view)) == [f"leases/{'a' * 16}.json"]
    list(remove_garbage(view.store, find_garbage(view.store)))
    assert list(leases.glob("[!.]*")) == []


def test_features_that_a_study_needs_stay(view) -> None:
    import json

    import numpy as np
    from safetensors.numpy import save_file

    from rgm_bench.config.spec import canonical_json, other_split

    spec = load([0]).trials[0].spec
    reference = spec.measure.reference
    data = canonical_json(other_split(spec.data, reference.split))
    folder = view.store.root / "references"
    folder.mkdir()
    for name, digest in (("needed", view.digests["evaluation"]), ("of_other_code", OTHER)):
        key = {"data": f"{data} {digest}", "split": reference.split}
        key |= {"extractor": reference.extractor, "number": 1}
        path = folder / f"{name}.safetensors"
        save_file({"fid": np.zeros(2)}, path, metadata={"key": json.dumps(key)})
        age(path)
    assert found(view) == {"references/of_other_code.safetensors": "features that no study needs"}


def test_a_study_that_cannot_be_read_stops_it_all(view) -> None:
    (path,) = view.store.root.glob("studies/*/*/study.json")
    path.write_text(path.read_text().replace('"grammar": 1', '"grammar": 99'))
    with pytest.raises(StoreError, match=r"cannot be read: .*found 99.*\n.*remove its folder"):
        find_garbage(view.store)
