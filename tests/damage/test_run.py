"""What is damaged is set aside by `run`, and made again with the same numbers."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from rgm_bench.results.proof import sealed, unsealed
from tests.damage.conftest import STUDY, Call

RUN = ("run", STUDY, "--executor", "local", "--store")


def metrics(store: Path) -> dict[str, dict[str, float]]:
    return {
        path.parent.parent.name: json.loads(path.read_text())["metrics"]
        for path in store.glob("evaluations/*/*/result.json")
    }


def of(store: Path, pattern: str) -> list[Path]:
    return sorted(store.glob(pattern))


def flip(path: Path) -> None:
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def exchange(first: Path, second: Path) -> None:
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def aside(store: Path) -> Iterator[str]:
    for path in store.glob("damaged/*/*/*"):
        yield "/".join(path.parts[-3:-1])


def test_a_run_makes_again_what_was_exchanged_and_flipped(store: Path, call: Call) -> None:
    before = metrics(store)
    results = of(store, "evaluations/*/*/result.json")
    exchange(*results[:2])
    flip(of(store, "evaluations/*/*/points.npy")[2])
    snapshots = of(store, "trainings/*/*/snapshot-512.safetensors")
    exchange(*snapshots[:2])
    for result in results[3:]:  # measured anew, and finds the snapshots
        shutil.rmtree(result.parent.parent)
    done = call(*RUN, store)
    assert done.code == 0, done.text
    assert metrics(store) == before
    lost = [f"{path.parts[-4]}/{path.parts[-3]}" for path in (*results[:3], *snapshots[:2])]
    assert sorted(aside(store)) == sorted(lost)
    assert done.text.count("set aside: ") == 5
    again = call(*RUN, store)
    assert (again.code, "0 to run" in again.text) == (0, True), again.text


def rewrite(result: Path, **fields: object) -> None:
    content, _ = unsealed(json.loads(result.read_text()))
    result.write_text(json.dumps(sealed(content | fields)))


def cost(result: Path) -> dict[str, float]:
    return json.loads(result.read_text())["cost"]


def test_a_damaged_training_whose_evaluations_are_there_is_trained_again(
    store: Path, call: Call
) -> None:
    result, before = of(store, "trainings/*/*/result.json")[0], metrics(store)
    weights = {path.name: path.read_bytes() for path in result.parent.glob("snapshot-*")}
    flops = cost(result)["flops"]
    flip(result)
    planned = call("plan", STUDY, "--store", store)
    assert (planned.code, "1 to run" in planned.text) == (2, True), planned.text
    done = call(*RUN, store)
    assert (done.code, "ran 1 unit" in done.text) == (0, True), done.text
    assert cost(result)["flops"] == flops
    assert {path.name: path.read_bytes() for path in result.parent.glob("snapshot-*")} == weights
    assert metrics(store) == before


def test_a_training_of_hours_is_made_again_only_when_its_user_says_so(
    store: Path, call: Call
) -> None:
    result = of(store, "trainings/*/*/result.json")[0]
    rewrite(result, cost=cost(result) | {"seconds": 2 * 3600.0})
    result.write_text(result.read_text().replace('"images": 512', '"images": 513', 1))
    refused = call(*RUN, store)
    assert refused.code == 2
    assert str(result) in refused.text
    assert "took 2.0 h" in refused.text
    assert "--remake" in refused.text
    assert list(aside(store)) == []
    done = call(*RUN, store, "--remake")
    assert (done.code, "ran 1 unit" in done.text) == (0, True), done.text
    assert list(aside(store)) == [f"trainings/{result.parts[-3]}"]


def test_results_from_before_seals_are_counted_and_sealed(store: Path, call: Call) -> None:
    results = of(store, "*/*/*/result.json")
    for result in results:
        content, _ = unsealed(json.loads(result.read_text()))
        result.write_text(json.dumps(content | {"files": {}}))
    before = metrics(store)
    assert f"{len(results)} results" in call("report", STUDY, "--store", store).text
    assert call("sync", "--seal", "--store", store).code == 0
    told = call("report", STUDY, "--store", store)
    assert (told.code, "no digest" in told.text) == (0, False), told.text
    assert metrics(store) == before
    flip(of(store, "evaluations/*/*/points.npy")[0])
    assert call("report", STUDY, "--store", store).code == 2


def test_a_damaged_checkpoint_is_set_aside_and_costs_no_bit(store: Path, call: Call) -> None:
    folder = of(store, "trainings/*/*")[0]
    weights = {path.name: path.read_bytes() for path in folder.glob("snapshot-*")}
    (folder / "checkpoint.safetensors").write_bytes(weights["snapshot-256.safetensors"])
    (folder / "result.json").unlink()
    shutil.rmtree(store / "evaluations")
    done = call(*RUN, store)
    assert done.code == 0, done.text
    assert f"damaged/trainings/{folder.parent.name}" in done.text
    assert {path.name: path.read_bytes() for path in folder.glob("snapshot-*")} == weights


def test_a_result_of_a_newer_version_is_not_taken_for_a_damaged_one(
    store: Path, call: Call
) -> None:
    result = of(store, "evaluations/*/*/result.json")[0]
    rewrite(result, later=1)
    done = call(*RUN, store)
    assert done.code == 2
    assert f"{result}: a newer rgm-bench wrote this result" in done.text
    assert "(later); update it" in done.text
    assert list(aside(store)) == []
