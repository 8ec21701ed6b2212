"""The studies whose folders a store has, read back from what was kept of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from rgm_bench.config.load import resolved_study
from rgm_bench.config.problems import listing, nearest
from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StoreError, UserError
from rgm_bench.results.store import STUDY, Store, View
from rgm_bench.search import searched


@final
@dataclass(frozen=True)
class KeptStudy:
    """A study's folder in a store; `name` is that of the study and, after a slash, the folder's."""

    name: str
    folder: Path

    def read(self, view: View) -> StudySpec:
        """The study, a search with the trials that its results have led to.

        Raises:
            StoreError: it cannot be read, is of another version of the grammar, or is about
                pictures that are not on this machine.
        """
        path = self.folder / STUDY
        try:
            return searched(resolved_study(path), view)
        except UserError as error:
            raise StoreError(
                f"{path}: this study cannot be read: {error}\n"
                "mend that, or remove its folder if nobody needs it any more"
            ) from error


def kept_studies(store: Store) -> list[KeptStudy]:
    """All studies of a store, by name."""
    folders = sorted(path.parent for path in store.root.glob(f"studies/*/*/{STUDY}"))
    return [KeptStudy(f"{folder.parent.name}/{folder.name}", folder) for folder in folders]


def chosen_studies(store: Store, names: Sequence[str]) -> list[KeptStudy]:
    """The studies of a store that are named, each as `NAME` or as `NAME/PROFILE`; all if none is.

    Raises:
        StoreError: a name fits no study of the store.
    """
    there = kept_studies(store)
    known = [study.name for study in there] + [study.folder.parent.name for study in there]
    for name in names:
        if name not in known:
            raise StoreError(
                f"{store.root} has no study {name!r}; it has: "
                f"{listing(dict.fromkeys(known))}{nearest(name, known)}"
            )
    return [
        study for study in there if not names or {study.name, study.folder.parent.name} & {*names}
    ]
