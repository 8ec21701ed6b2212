"""What proves that files are as they were written: a seal inside, or a digest kept elsewhere.

Against bits that flip, files that are cut and files that are mixed up, not against forgers.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rgm_bench.errors import DamagedError
from rgm_bench.metrics.digest import file_sha256

SEAL = "seal"
"""The field of a JSON file that holds the sha256 of all others."""


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` with its seal."""
    return {**content, SEAL: sha256_of(content)}


def unsealed(content: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """`content` without its seal, and whether it had one.

    Raises:
        ValueError: the seal is of another content.
    """
    rest = dict(content)
    seal = rest.pop(SEAL, None)
    if seal is not None and seal != sha256_of(rest):
        raise ValueError("its content is not what its seal was made of")
    return rest, seal is not None


def sha256_of(content: Mapping[str, Any]) -> str:
    """The sha256 of the canonical text of JSON values: keys sorted, no white space."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def proven(path: Path, sha256: str | None) -> str:
    """The sha256 of a file, which has to be `sha256`; None takes any.

    Raises:
        DamagedError: it is not, or the file is gone.
    """
    try:
        found = file_sha256(path)
    except FileNotFoundError as error:
        raise DamagedError(path, "it is missing") from error
    if sha256 not in (None, found):
        raise DamagedError(path, "its content is not that of the digest in its result.json")
    return found
