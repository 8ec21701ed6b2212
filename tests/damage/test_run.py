"""What is damaged is set aside by `run`, and made again with the same numbers."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

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
