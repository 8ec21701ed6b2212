"""No damaged file gives another number with exit code 0: every kind of file, damage and command."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rgm_bench.results.store import Store
from tests.damage.conftest import STUDY, Call
from tests.damage.test_run import exchange, flip

KINDS = {
    "result of an evaluation": "evaluations/*/*/result.json",
    "result of a training": "trainings/*/*/result.json",
    "points": "evaluations/*/*/points.npy",
    "curve": "trainings/*/*/curve.json",
    "snapshot": "trainings/*/*/snapshot-512.safetensors",
    "lease": "leases/*.json",
}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def put(value: Any, *keys: str) -> Callable[[Path], None]:
    """Put a value into a JSON file, or make it the whole of it."""

    def damage(path: Path) -> None:
        content = json.loads(path.read_bytes())
        if not keys:
            content = value
        else:
            place = content
            for key in keys[:-1]:
                place = place[key]
            place[keys[-1]] = value
        path.write_text(json.dumps(content))

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {"flipped": flip, "cut": cut, "empty": empty}
ODD: dict[str, Callable[[Path], None]] = {
    "null": put(None),
    "a list": put([]),
    "no metrics": put(None, "metrics"),
    "a text as metric": put("much", "metrics", "w2.points.n64"),
    "another metric": put(0.0001, "metrics", "w2.points.n64"),
    "not a number": put(float("nan"), "metrics", "w2.points.n64"),
    "an odd status": put("weird", "status"),
    "fewer images": put(1, "images"),
}


def commands(store: Path) -> Iterator[tuple[str, Sequence[str | Path]]]:
    """Every command that reads results, and tells numbers of them."""
    yield "plan", ("plan", STUDY, "--store", store)
    yield "status", ("status", STUDY, "--store", store)
    yield "report", ("report", STUDY, "--store", store)
    yield "publish", ("publish", STUDY, "--store", store, "--to", store.parent / "published")
    for kind in ("evaluations", "trainings"):
        path = min(store.glob(f"{kind}/*/*/result.json"))
        yield f"show {path.parts[-3]}", ("show", path.parts[-3], "--store", store)


def numbers(text: str, store: Path) -> str:
    """What a command said, without the place of the store."""
    return text.replace(str(store), "STORE").replace(str(store.parent), "PARENT")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures take seconds each: their files are read, and nothing is drawn."""

    def read_only(study: object, trials: Any, view: Any) -> Iterator[object]:
        for trial in trials:
            view.points(trial["evaluation_id"])
            if trial["training_id"]:
                view.curve(trial["training_id"])
        yield from ()

    monkeypatch.setattr("rgm_bench.report.write._drawings", read_only)


def files_of(store: Path, kind: str) -> list[Path]:
    if kind == "lease":
        (store / "leases").mkdir(exist_ok=True)
        path = store / "leases" / f"{next(store.glob('evaluations/*')).name}.json"
        path.write_text('{"kind": "evaluation", "id": "x", "pid": null, "started": "now"}')
    return sorted(store.glob(KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_gives_another_number_silently(
    kind: str, whole: Path, tmp_path: Path, call: Call, drawn: None
) -> None:
    before = {name: numbers(call(*words).text, whole) for name, words in commands(whole)}
    damages = {**DAMAGES, **(ODD if kind == "result of an evaluation" else {})}
    for name, damage in damages.items():
        store = Path(shutil.copytree(whole, tmp_path / f"store {name}"))
        damage(files_of(store, kind)[0])
        _same_or_refused(store, f"{kind}, {name}", before, call)
    if kind != "lease":
        store = Path(shutil.copytree(whole, tmp_path / "store exchanged"))
        exchange(*files_of(store, kind)[:2])
        _same_or_refused(store, f"{kind}, exchanged", before, call)


def _same_or_refused(store: Path, what: str, before: dict[str, str], call: Call) -> None:
    for name, words in commands(store):
        said = call(*words)
        assert said.code in (0, 2), f"{what}, {name}: {said.text}"
        assert "Aborted" not in said.text
        if said.code == 0:
            lines = numbers(said.text, store).splitlines()
            assert [each for each in lines if "warning" not in each] == before[name].splitlines(), (
                f"{what}, {name}"
            )
        else:
            assert str(store) in said.text, f"{what}, {name}: {said.text}"
            assert "rgm-bench" in said.text


# --- a published folder -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from rgm_bench.config.load import load_study
    from rgm_bench.publication import publish
    from rgm_bench.results.store import View

    root = tmp_path_factory.mktemp("published")
    publish(load_study(STUDY, profile="laptop"), View(Store(whole)), root)
    return root / "proof" / "laptop"


def w2_set(path: Path) -> None:
    frame = pd.read_parquet(path)
    frame.assign(**{"w2.points.n64": 0.0001}).to_parquet(path, index=False)


def spec_changed(path: Path) -> None:
    frame = pd.read_parquet(path)
    frame.assign(spec="{}").to_parquet(path, index=False)


@pytest.mark.parametrize("with_digests", [True, False])
@pytest.mark.parametrize("name", ["trials.parquet", "claims.json", "study.json"])
def test_a_published_folder_that_does_not_hold_together_is_refused(
    name: str, with_digests: bool, published: Path, tmp_path: Path, call: Call
) -> None:
    damages = {"cut": cut, "empty": empty}
    if with_digests:
        damages["flipped"] = flip
    if name == "trials.parquet":
        damages |= {"another score": w2_set, "another spec": spec_changed}
    for damage in damages.values():
        folder = tmp_path / "folder"
        shutil.copytree(published, folder)
        if not with_digests:  # as published before there were any
            (folder / "digests.json").unlink()
        damage(folder / name)
        said = call("report", folder)
        assert said.code == 2, said.text
        assert name in said.text or "claims.json" in said.text
        shutil.rmtree(folder)
