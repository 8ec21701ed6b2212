"""The pictures that a store's own MLflow shows: in `mlartifacts/` of the store, wherever that is.

MLflow's database keeps the absolute place of each experiment and run. A store may be moved, copied
or mounted elsewhere, so these places are set to where it is before anything reads or writes them.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from rgm_bench.errors import StoreError
from rgm_bench.tracking.children import Part

DATABASE = "mlflow.db"
GRIDS = "samples"
"""The key under which MLflow shows the grids of a run."""

_FOLDER = "mlartifacts"


def artifact_location(root: Path, experiment: str) -> str:
    """Where the pictures of an experiment belong, as MLflow writes it down."""
    return (root.resolve() / _FOLDER / experiment).as_uri()


def relocate(root: Path) -> None:
    """Have MLflow's database name the pictures of the store at `root`, and of no other.

    Raises:
        StoreError: the database cannot be read, or names another place and cannot be written.
    """
    path = root / DATABASE
    try:
        with closing(sqlite3.connect(path, timeout=60)) as database, database:
            found = "SELECT experiment_id, name, artifact_location FROM experiments"
            for number, name, kept in database.execute(found).fetchall():
                here, tail = artifact_location(root, name), f"/{_FOLDER}/{quote(name)}"
                if kept != here and kept.endswith(tail):
                    _move(database, number, here, tail)
    except sqlite3.Error as error:
        raise StoreError(
            f"{path}: MLflow's database could not be pointed to the pictures of this store: "
            f"{error}; make it readable and writable, or remove it: `rgm-bench sync` makes it again"
        ) from error


def _move(database: sqlite3.Connection, experiment: int, here: str, tail: str) -> None:
    database.execute(
        "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (here, experiment)
    )
    database.execute(
        "UPDATE runs SET artifact_uri = ? || '/' || run_uuid || '/artifacts' "
        "WHERE experiment_id = ? AND artifact_uri LIKE '%' || ? || '/' || run_uuid || '/artifacts'",
        (here, experiment, tail),
    )


def without_grid(artifact_uri: str, parts: Iterable[Part]) -> list[Part]:
    """Those parts of a run whose grid is not among its pictures; none if a server keeps these."""
    place = urlsplit(artifact_uri)
    if place.scheme != "file":
        return []
    images = Path(url2pathname(place.path), "images")
    return [
        part
        for part in parts
        if part.grid and not any(images.glob(f"{GRIDS}+step+{part.images}+*.png"))
    ]
