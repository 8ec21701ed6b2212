"""One session of work on a study: executor, tracker, journal and driver put together."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, assert_never

from rgm_bench.config.official import IMPORTED, import_advice
from rgm_bench.config.spec import (
    GenerateSpec,
    ImageFolderSpec,
    KnownDataSpec,
    PointsDataSpec,
    TrainingSpec,
    stored_spec,
)
from rgm_bench.config.study import StudySpec
from rgm_bench.data.location import locate
from rgm_bench.environment import forget_empty
from rgm_bench.errors import MissingDataError, StoreError, UserError
from rgm_bench.execution.base import Executor
from rgm_bench.execution.budget import Budget
from rgm_bench.execution.signals import REASONS, first_signal
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import Plan, make_plan
from rgm_bench.redaction import redacted
from rgm_bench.results.journal import Journal
from rgm_bench.results.store import View
from rgm_bench.study_run import Driver, Grow, Observer, SilentObserver, Summary
from rgm_bench.tracking.background import BackgroundTracker
from rgm_bench.tracking.base import Ending
from rgm_bench.tracking.mlflow import MlflowTracker

if TYPE_CHECKING:
    from rgm_bench.search.run import SearchRun

ExecutorKind = Literal["ray", "local"]


def require_options(
    executor: ExecutorKind,
    workers: int | None,
    address: str | None,
    runtime_env: object = None,
) -> None:
    """Raise UserError if an option was given that would change nothing."""
    if executor == "local":
        given = {"--workers": workers, "--address": address, "--runtime-env": runtime_env}
        unused = [name for name, value in given.items() if value is not None]
        if unused:
            raise UserError(
                f"{' and '.join(unused)}: `--executor local` runs one unit after the other in this "
                f"process and uses no such thing; leave it out, or use `--executor ray`"
            )
    if workers is not None and address is not None:
        raise UserError(
            f"--workers {workers}: it is for a Ray that is started on this machine, and the one at "
            f"{address} has CPUs of its own; leave out --workers or --address"
        )


def require_inputs(study: StudySpec) -> None:
    """Look at all data and weights of a study before any work.

    Raises:
        MissingDataError: some are not on this machine.
        DataError: pictures cannot be used.
    """
    # a dictionary, for each data set once and in the order of the study
    for spec in dict.fromkeys(trial.spec.data for trial in study.trials):
        if isinstance(spec, PointsDataSpec):
            continue  # computed
        if isinstance(spec, ImageFolderSpec | KnownDataSpec):
            from rgm_bench.build.data import build_images

            build_images(spec)  # which looks at its content
        else:
            locate(spec.kind, split=spec.split)
    measures = (trial.spec.measure for trial in study.trials)
    extractors = {m.reference.extractor for m in measures if isinstance(m, GenerateSpec)}
    if "inception_v3_compat" in extractors:
        # looked for, and if need be downloaded, before days of training and not after
        from rgm_bench.metrics.inception import inception_weights

        inception_weights()


def require_imports(plan: Plan, view: View) -> None:
    """Raise MissingDataError if a missing training is one that nobody here can train."""
    for planned in plan.missing:
        unit = planned.unit
        if unit.kind == "training" and unit.spec["method"]["kind"] == IMPORTED:
            training = stored_spec(TrainingSpec, unit.spec)
            raise MissingDataError(import_advice(training, str(view.store)))


def bring_on(
    study: StudySpec,
    view: View,
    *,
    executor: ExecutorKind = "ray",
    workers: int | None = None,
    address: str | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    plan: Plan | None = None,
    budget: Budget | None = None,
) -> Summary:
    """Run exactly the missing units of a study, and record what is finished in MLflow.

    While units run, a first Ctrl-C or SIGTERM has them save themselves and stop; a second one
    raises KeyboardInterrupt, or does whatever else the caller has these signals do.

    Args:
        study: the study.
        view: the store, and which of its results count.
        executor: Ray workers, or one unit after the other in this process.
        workers: units at once on this machine; None takes all CPUs.
        address: of a running Ray cluster.
        runtime_env: what Ray sets up for its workers: variables, packages, files.
        observer: told of all that happens; None tells nobody.
        plan: of the study in this store, if the caller has just made it.
        budget: what the run may use; None has no limits.

    Raises:
        UserError: an option was given that the executor does not use.
        MissingDataError: data or weights are not on this machine.
        StoreError: the store cannot be written.
    """
    require_options(executor, workers, address, runtime_env)
    search = open_search(study, view)
    if search:  # what was planned before may be behind what it now asks for
        study, plan = search.study, None
    plan = plan or make_plan(study, view)
    require_imports(plan, view)
    require_inputs(study)
    view.store.prepare()
    tracker = BackgroundTracker(
        MlflowTracker(view.store.root, command=sys.argv),
        warn=lambda text: print(f"warning: {text}", file=sys.stderr),
    )
    ending: Ending = "killed"
    try:
        budget = budget or Budget()
        open_executor = partial(
            _open_executor, study, view, executor, workers, address, runtime_env, budget
        )
        grow = partial(grow_search, search, view) if search else None
        summary = _run_missing(study, plan, view, tracker, open_executor, observer, budget, grow)
        tracker.record(search.study if search else study, view)
        if summary.stopped not in REASONS.values():
            ending = "failed" if summary.failed else "finished"
    finally:
        tracker.close(ending)
    return summary


def _run_missing(
    study: StudySpec,
    plan: Plan,
    view: View,
    tracker: BackgroundTracker,
    open_executor: Callable[[], Executor],
    observer: Observer | None,
    budget: Budget,
    grow: Grow | None,
) -> Summary:
    folder = view.store.claim_study_folder(study)
    tracker.record(study, view)  # at once, to put in order what a killed command left behind
    if not plan.missing:
        return Summary()
    journal = Journal(folder / "journal")
    command = [redacted(word) for word in sys.argv]
    journal.append("started", command=command, units=len(plan.missing))
    pool = open_executor()
    driver = Driver(
        study=study,
        plan=plan,
        view=view,
        executor=pool,
        budget=budget,
        journal=journal,
        tracker=tracker,
        observer=observer or SilentObserver(),
        grow=grow,
    )
    try:
        with view.store.copying(journal.path):
            try:
                with first_signal(budget.stop):
                    return driver.run()
            finally:
                pool.close()
                with suppress(StoreError):  # what ended the run is what its user has to hear of
                    summary = driver.summary
                    counts = {"ran": summary.num_ran, "found": summary.num_found}
                    journal.append("ended", **counts, stopped=summary.stopped)
    finally:
        journal.close()


def open_search(study: StudySpec, view: View) -> "SearchRun | None":
    """The search of a study, as far as results have brought it; None if it has none."""
    if study.search is None:
        return None
    from rgm_bench.search.run import SearchRun

    search = SearchRun(study, view)
    search.advance()
    return search


def grow_search(search: "SearchRun", view: View) -> tuple[StudySpec, Plan]:
    """The study of a search as it is now, and the plan of the trials that came in."""
    fresh = search.advance()
    study = search.study
    return study, make_plan(replace(study, trials=tuple(fresh)), view)


def _open_executor(
    study: StudySpec,
    view: View,
    kind: ExecutorKind,
    workers: int | None,
    address: str | None,
    runtime_env: Mapping[str, Any] | None,
    budget: Budget,
) -> Executor:
    resources = study.resources
    perform = StoreWorker(
        view.store.location,
        gpus=resources.gpus,
        parts=study.parts,
        cpus=resources.cpus,
        digests=view.digests,
    )
    match kind:
        case "local":
            from rgm_bench.execution.local import LocalExecutor

            if resources.processes > 1:
                raise UserError(
                    f"the study's resources ask for {resources.processes} processes a training, "
                    "and `--executor local` has one; use `--set resources.processes=1`, which "
                    "changes no id, or the executor ray"
                )
            return LocalExecutor(perform, budget.is_spent)
        case "ray":
            forget_empty("RAY_")  # before Ray is imported, which reads them
            from rgm_bench.execution.ray import RayExecutor

            if resources.processes > 1:
                from rgm_bench.execution.ray_train import RayTrain

                share = RayTrain(resources.processes, resources.cpus, resources.gpus)
                perform = replace(perform, share=share)
            return RayExecutor(
                perform,
                cpus=resources.cpus,
                gpus=resources.gpus,
                processes=resources.processes,
                workers=workers,
                address=address,
                runtime_env=runtime_env,
            )
        case _:
            assert_never(kind)
