"""One session of work on a study: executor, tracker, journal and driver put together."""

import sys
from contextlib import suppress
from typing import Literal, assert_never

from rgm_bench.config.spec import ImageFolderSpec, RealSplitSource
from rgm_bench.config.study import StudySpec
from rgm_bench.data.location import locate
from rgm_bench.errors import StoreError
from rgm_bench.execution.base import Executor
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.results.journal import Journal
from rgm_bench.results.store import View
from rgm_bench.study_run import Driver, Observer, SilentObserver, Summary
from rgm_bench.tracking.background import BackgroundTracker
from rgm_bench.tracking.base import Ending
from rgm_bench.tracking.mlflow import MlflowTracker

ExecutorKind = Literal["ray", "local"]


def require_inputs(study: StudySpec) -> None:
    """Raise MissingDataError unless all data and weights of the study are on this machine."""
    sources = (trial.spec.source for trial in study.trials)
    # a dictionary, for each data set once and in the order of the study
    data = dict.fromkeys(
        source.data if isinstance(source, RealSplitSource) else source.training.data
        for source in sources
    )
    for spec in data:
        name = spec.name if isinstance(spec, ImageFolderSpec) else None
        locate(spec.kind, name=name, split=spec.split)
    if any(trial.spec.reference.extractor == "inception_v3_compat" for trial in study.trials):
        # looked for, and if need be downloaded, before days of training and not after
        from rgm_bench.metrics.inception import inception_weights

        inception_weights()


def bring_on(
    study: StudySpec,
    view: View,
    *,
    executor: ExecutorKind = "ray",
    workers: int | None = None,
    address: str | None = None,
    observer: Observer | None = None,
) -> Summary:
    """Run exactly the missing units of a study, and record what is finished in MLflow.

    Args:
        study: the study.
        view: the store, and which of its results count.
        executor: Ray workers, or one unit after the other in this process.
        workers: units at once on this machine; None takes all CPUs.
        address: of a running Ray cluster.
        observer: told of all that happens; None tells nobody.

    Raises:
        MissingDataError: data or weights are not on this machine.
        StoreError: the store cannot be written.
    """
    require_inputs(study)
    view.store.prepare()
    tracker = BackgroundTracker(
        MlflowTracker(view.store.root, command=sys.argv),
        warn=lambda text: print(f"warning: {text}", file=sys.stderr),
    )
    ending: Ending = "killed"
    try:
        summary = _run_missing(study, view, tracker, executor, workers, address, observer)
        tracker.record(study, view)
        ending = "failed" if summary.failed else "finished"
    finally:
        tracker.close(ending)
    return summary


def _run_missing(
    study: StudySpec,
    view: View,
    tracker: BackgroundTracker,
    executor: ExecutorKind,
    workers: int | None,
    address: str | None,
    observer: Observer | None,
) -> Summary:
    plan = make_plan(study, view)
    folder = view.store.claim_study_folder(study)
    if not plan.missing:
        return Summary()
    journal = Journal(folder / "journal")
    journal.append("started", command=sys.argv, units=len(plan.missing))
    pool = _open_executor(study, view, executor, workers, address)
    driver = Driver(
        study=study,
        plan=plan,
        view=view,
        executor=pool,
        journal=journal,
        tracker=tracker,
        observer=observer or SilentObserver(),
    )
    try:
        return driver.run()
    finally:
        pool.close()
        with suppress(StoreError):  # what ended the run is what its user has to hear of
            journal.append("ended", ran=driver.summary.num_ran)
        journal.close()


def _open_executor(
    study: StudySpec, view: View, kind: ExecutorKind, workers: int | None, address: str | None
) -> Executor:
    perform = StoreWorker(str(view.store.root.resolve()), study.resources.gpus)
    match kind:
        case "local":
            from rgm_bench.execution.local import LocalExecutor

            return LocalExecutor(perform)
        case "ray":
            from rgm_bench.execution.ray import RayExecutor

            return RayExecutor(
                perform,
                cpus=study.resources.cpus,
                gpus=study.resources.gpus,
                workers=workers,
                address=address,
            )
        case _:
            assert_never(kind)
