"""Seals for results from before there were any, and digests for the files beside them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rgm_bench.metrics.digest import file_sha256
from rgm_bench.results.files import to_json
from rgm_bench.results.mirror import CHECKPOINT, LOG, RESULT, UNITS
from rgm_bench.results.proof import sealed
from rgm_bench.results.read import read_outcome
from rgm_bench.results.store import Store


def seal_results(store: Store) -> int:
    """Give every result a seal that has none; how many had none.

    What a file is now counts as what it was: from then on a change is noticed. The times of the
    results stay, since the newest of several counts, and so does their order on an object store.

    Raises:
        DamagedError: a result is not readable, or is of another unit.
        StoreError: the store cannot be written.
    """
    paths = [path for kind in UNITS for path in store.root.glob(f"{kind}/*/*/{RESULT}")]
    number = 0
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
        outcome = read_outcome(str(path))
        if outcome is None or outcome.is_sealed:
            continue
        store.fetch(outcome.kind, outcome.id, outcome.digest, "*")
        files = {each.name: file_sha256(each) for each in _files(path.parent)}
        written = path.stat()
        store.replace(path, to_json(sealed(replace(outcome, files=files).to_json())))
        os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns))
        number += 1
    return number


def _files(folder: Path) -> Iterator[Path]:
    """What a unit has left beside its result that something is read from."""
    for path in sorted(folder.glob("[!.]*")):
        if path.name not in (RESULT, CHECKPOINT, LOG):
            yield path
