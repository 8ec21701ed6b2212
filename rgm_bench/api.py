"""The Python entry: studies that run, and stores that answer with pandas frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

from rgm_bench.config.study import StudySpec
from rgm_bench.results.store import CodePolicy, Store, View
from rgm_bench.search import searched

if TYPE_CHECKING:
    import pandas as pd

    from rgm_bench.report import Report
    from rgm_bench.study_run import Summary


@final
class OpenStore:
    """The results of all studies, as pandas frames.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def evaluations(self) -> "pd.DataFrame":
        """One row an evaluation, with its spec, metrics, cost and ids as columns."""
        from rgm_bench.results.store_frames import store_evaluations_frame

        return store_evaluations_frame(self.store)

    def curves(self) -> "pd.DataFrame":
        """The losses of every training over the images it had seen, in long form."""
        from rgm_bench.results.store_frames import curve_paths, store_curves_frame

        self.store.gather(curve_paths(self.store))
        return store_curves_frame(self.store)

    def claims(self) -> "pd.DataFrame":
        """The claims of every study as its last report decided them, one row each."""
        from rgm_bench.results.store_frames import store_claims_frame

        return store_claims_frame(self.store)


def open_store(uri: str | Path = "results") -> OpenStore:
    """The store in a folder or on an object store, with what is in it by now.

    Args:
        uri: a path, or a URI such as `s3://bucket/prefix`.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    return OpenStore(Store.open(uri))


@final
class Study:
    """One profile of a study file.

    Args:
        spec: the study, resolved.
    """

    def __init__(self, spec: StudySpec) -> None:
        self.spec = spec

    @classmethod
    def load(
        cls, path: str | Path, *, profile: str = "laptop", overrides: Sequence[str] = ()
    ) -> "Study":
        """Read a study file, in YAML or in Python.

        Args:
            path: of the file; one whose name ends in `.py` is run as Python.
            profile: which of its profiles.
            overrides: `field=value`, as after `--set`.

        Raises:
            StudyError: the file, the profile or an override is wrong.
        """
        from rgm_bench.python_study import open_study

        return cls(open_study(Path(path), profile=profile, overrides=overrides))

    def run(
        self,
        *,
        store: str | Path = "results",
        executor: Literal["ray", "local"] = "ray",
        workers: int | None = None,
        address: str | None = None,
        code: CodePolicy = "warn",
    ) -> "Summary":
        """Run exactly the units that the store does not hold, and record them in MLflow.

        A first Ctrl-C has what runs save itself; the summary then says that the run was stopped.

        Args:
            store: the folder of results, or a URI such as `s3://bucket/prefix`.
            executor: Ray workers, or one unit after the other in this process.
            workers: units at once on this machine; None takes all CPUs.
            address: of a running Ray cluster.
            code: what to do about results that other code has made.

        Raises:
            MissingDataError: a data set is not on this machine.
            StoreError: the store cannot be written.
        """
        from rgm_bench.session import bring_on

        results = Store.at(store)
        results.refresh()
        return bring_on(
            self.spec,
            View(results, code),
            executor=executor,
            workers=workers,
            address=address,
        )

    def evaluations(self, *, store: str | Path = "results") -> "pd.DataFrame":
        """One row a trial of this study, finished or not."""
        from rgm_bench.results.frames import evaluations_frame

        view = View(Store.open(store))
        return evaluations_frame(searched(self.spec, view), view)

    def report(self, *, store: str | Path = "results") -> "Report":
        """Judge the claims and write tables and figures of what has finished.

        Into the study's folder of the store.
        """
        from rgm_bench.failed_trials import with_failed
        from rgm_bench.verdicts import report

        view = View(Store.open(store))
        study = with_failed(searched(self.spec, view), view)
        written = report(study, view, view.store.study_folder(self.spec))
        view.store.upload(written.all_files)
        return written
