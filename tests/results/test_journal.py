"""Journal segments: of living drivers, of dead ones, and made one."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rgm_bench.results.journal import Journal, compact, read_journal

WRITE_AND_DIE = (
    "import os, pathlib, sys; from rgm_bench.results.journal import Journal;"
    "journal = Journal(pathlib.Path(sys.argv[1]));"
    "[journal.append('ok', unit=f'{os.getpid()}-{n}') for n in range(3)]; os._exit(9)"
)


def dead_driver(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(folder)], check=False)


def units(folder: Path) -> list[str]:
    return [event["unit"] for event in read_journal(folder)]


def test_segments_of_dead_drivers_become_one_and_nothing_is_lost(tmp_path) -> None:
    dead_driver(tmp_path)
    dead_driver(tmp_path)
    before = units(tmp_path)
    assert len(before) == 6
    assert compact(tmp_path) == 2
    assert units(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 1
    assert compact(tmp_path) == 0


def test_the_segment_of_a_living_driver_is_left_alone(tmp_path) -> None:
    dead_driver(tmp_path)
    dead_driver(tmp_path)
    living = Journal(tmp_path)
    living.append("submitted", unit="a")
    (own,) = tmp_path.glob(f"*-{os.getpid()}.jsonl")
    assert compact(tmp_path) == 2
    living.append("ok", unit="a")
    living.close()
    assert [json.loads(line)["event"] for line in own.read_text().splitlines()] == [
        "submitted",
        "ok",
    ]
    assert units(tmp_path).count("a") == 2
    assert compact(tmp_path) == 2
    assert len(units(tmp_path)) == 8


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path) -> None:
    dead_driver(tmp_path)
    (segment,) = tmp_path.iterdir()
    with segment.open("ab") as file:
        file.write(b'{"event": "ok", "uni')
    dead_driver(tmp_path)
    assert len(units(tmp_path)) == 6
    assert compact(tmp_path) == 2
    assert len(units(tmp_path)) == 6


def test_a_compaction_stopped_before_it_removed_anything_shows_no_event_twice(
    tmp_path, monkeypatch
) -> None:
    dead_driver(tmp_path)
    dead_driver(tmp_path)
    before = units(tmp_path)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
    compact(tmp_path)
    monkeypatch.undo()
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert units(tmp_path) == before


def test_several_events_wait_for_the_disk_once(tmp_path, monkeypatch) -> None:
    waits: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (waits.append(file), real(file))[1])
    journal = Journal(tmp_path)
    journal.append_all([{"event": "submitted", "unit": str(number)} for number in range(5)])
    journal.append_all([])
    journal.close()
    assert len(waits) == 1
    assert units(tmp_path) == list("01234")
