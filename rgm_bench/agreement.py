"""Whether a published folder holds together: files with their digests, verdicts with the trials."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

from rgm_bench.errors import StoreError
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.results.files import to_json, write_whole
from rgm_bench.results.proof import sealed, unsealed
from rgm_bench.verdicts import CLAIMS_FILE, Decided

DIGESTS = "digests.json"

TOLERANCE = 1e-6
"""How far numbers of verdicts may lie apart: versions of libraries differ in their last digits."""

_COMPARED = ("effect", "low", "high", "p", "p_holm")


def write_digests(folder: Path, names: Sequence[str]) -> None:
    """Keep the digests of files of a folder, those that are there."""
    files = {name: file_sha256(folder / name) for name in names if (folder / name).is_file()}
    write_whole(folder / DIGESTS, to_json(sealed({"files": files})))


def require_digests(folder: Path) -> None:
    """Check the files of a folder, unless it was published before there were digests.

    Verdicts that are gone are made again from the trials.

    Raises:
        StoreError: a file is not the one that was published.
    """
    path = folder / DIGESTS
    if not path.is_file():
        return
    try:
        content, _ = unsealed(json.loads(path.read_bytes()))
        files: Mapping[str, str] = dict(content["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(path, f"no list of digests ({error})") from error
    for name, sha256 in files.items():
        if (folder / name).is_file() and file_sha256(folder / name) != sha256:
            raise _broken(folder / name, f"not what was published, by {DIGESTS} beside it")


def require_agreement(decided: Sequence[Decided], folder: Path) -> None:
    """Compare verdicts with those that were published; words and power are not compared.

    Raises:
        StoreError: they differ, so the trials or the verdicts are not those that were published.
    """
    path = folder / CLAIMS_FILE
    if not path.is_file():
        return
    try:
        kept = {each["name"]: each["verdict"] for each in json.loads(path.read_bytes())["claims"]}
        differing = [
            difference for each in decided for difference in _differences(each, kept[each.name])
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, f"not the verdicts on the claims of its study ({error!r})") from error
    if differing:
        raise _broken(path, f"not what the trials beside it say: {differing[0]}")


def _differences(decided: Decided, kept: Mapping[str, Any]) -> Iterator[str]:
    found: Mapping[str, Any] = decided.to_json()["verdict"]
    if found["decision"] != kept["decision"]:
        yield f"{decided.name}: found {kept['decision']}, expected {found['decision']}"
    if dict(found["num_seeds"]) != dict(kept["num_seeds"]):
        yield f"{decided.name}: found seeds {kept['num_seeds']}, expected {found['num_seeds']}"
    for name in _COMPARED:
        if not _agree(found[name], kept[name]):
            yield f"{decided.name}: found {name} {kept[name]}, expected {found[name]}"


def _agree(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _broken(path: Path, found: str) -> StoreError:
    return StoreError(
        f"{path}: {found}; take the folder as it was published (`git checkout`), or publish the "
        "study again with `rgm-bench publish`"
    )
