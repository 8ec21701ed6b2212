"""`given_up.json` in a study's folder: the units that its search goes on without."""

import json
from dataclasses import asdict
from pathlib import Path

from rgm_bench.config.given_up import NOTHING_GIVEN_UP, GivenUp, GivenUpUnit
from rgm_bench.errors import StoreError
from rgm_bench.results.files import explain, to_json

GIVEN_UP = "given_up.json"


def read_given_up(folder: Path) -> GivenUp:
    """The units that were given up in the folder of a study.

    Raises:
        StoreError: the file cannot be read.
    """
    path = folder / GIVEN_UP
    try:
        units = json.loads(path.read_bytes())["units"]
        return GivenUp({unit_id: GivenUpUnit(**fields) for unit_id, fields in units.items()})
    except FileNotFoundError:
        return NOTHING_GIVEN_UP
    except OSError as error:
        raise StoreError(explain(error, path)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path}: not a list of units that were given up ({error}); remove the file to have "
            "all of them run again"
        ) from error


def given_up_text(given_up: GivenUp) -> bytes:
    """What the file says."""
    units = {unit_id: asdict(unit) for unit_id, unit in given_up.units.items()}
    return to_json({"units": units})
