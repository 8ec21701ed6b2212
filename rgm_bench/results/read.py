"""Files of units, read back."""

import json
from pathlib import Path
from typing import Any

from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain
from rgm_bench.results.schema import Outcome


def read_outcome(path: str) -> Outcome | None:
    """What a unit came to, or None if there is no such file.

    Raises:
        StoreError: it is not readable as a result.
    """
    content = read_json(path)
    if content is None:
        return None
    try:
        return Outcome(**content)
    except TypeError as error:
        raise StoreError(
            f"{path}: not a result that this version of rgm-bench reads ({error}); "
            "remove its folder to have the unit run again"
        ) from error


def read_json(path: str) -> Any:
    """The content of a file, or None if there is none.

    Raises:
        StoreError: it is not readable as JSON.
    """
    try:
        with open(path, "rb") as file:
            return json.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(explain(error, Path(path))) from error
    except ValueError as error:
        raise StoreError(
            f"{path}: not readable as JSON ({error}); remove its folder to have the unit run again"
        ) from error
