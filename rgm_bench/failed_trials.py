"""Trials of a search that cannot end because a unit failed, and how a search goes on without them.

A search draws each trial from those before it, so one that never ends stops it. Whether to mend the
cause or to go on without the trial is its user's to say; what they say is kept with the study, and
the search is a function of that and of results.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from rgm_bench.config.given_up import GivenUp, GivenUpUnit
from rgm_bench.config.problems import listing
from rgm_bench.config.search import TRIAL
from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StoreError, UserError
from rgm_bench.execution.failures import Failure, failures_in
from rgm_bench.plan import Plan, PlannedUnit, make_plan
from rgm_bench.results.given_up import GIVEN_UP, given_up_text
from rgm_bench.results.journal import read_journal
from rgm_bench.results.store import View


def failed_units(study: StudySpec, plan: Plan, view: View) -> dict[str, Failure]:
    """How each missing unit of a study failed whose last attempt did, by its id."""
    missing = {planned.unit.id for planned in plan.missing}
    journal = read_journal(view.store.study_folder(study) / "journal") if missing else ()
    return {unit: how for unit, how in failures_in(journal).items() if unit in missing}


def blocking(study: StudySpec, failed: Collection[str]) -> dict[int, str]:
    """The trials of a search that wait for a unit that failed, each with the first such unit."""
    waiting = {s.number for s in study.found.suggestions if s.state == "running"}
    found: dict[int, str] = {}
    for trial in study.trials:
        number = trial.labels.get(TRIAL)
        for unit_id in (trial.training_id, trial.id):
            if isinstance(number, int) and number in waiting and unit_id in failed:
                found.setdefault(number, str(unit_id))
    return found


def with_failed(study: StudySpec, view: View) -> StudySpec:
    """The study as reports show it: a trial of its search that waits for a failed unit has failed.

    The search itself still waits for it: the next run tries the unit again.
    """
    if study.search is None:
        return study
    failed = blocking(study, failed_units(study, make_plan(study, view), view))
    shown = [
        replace(each, state="failed") if each.number in failed else each
        for each in study.found.suggestions
    ]
    return replace(study, found=replace(study.found, suggestions=tuple(shown)))


def give_up(study: StudySpec, view: View, prefixes: Sequence[str]) -> list[PlannedUnit]:
    """Have the search of a study go on without units; the results that there are stay.

    Args:
        study: the study, with the trials that its search has come to.
        view: the store.
        prefixes: how the ids of the units begin.

    Returns:
        The units, as they were planned.

    Raises:
        UserError: the study has no search.
        StoreError: a prefix names no missing unit of the study, or several, or one that somebody
            works on; or the store cannot be written.
    """
    name = f"{study.name}/{study.profile}"
    if study.search is None:
        raise UserError(
            f"{name}: has no search, so a unit that fails holds nothing up but what measures it; "
            "`rgm-bench run` does the rest"
        )
    plan = make_plan(study, view)
    failed = failed_units(study, plan, view)
    chosen = [_missing(prefix, name, plan, failed) for prefix in prefixes]
    given_up = dict(study.found.given_up.units)
    for planned in chosen:
        unit, outcome = planned.unit, planned.outcome
        if view.store.is_held(unit.id):
            raise StoreError(f"{unit.kind} {unit.id}: a run works on it just now; stop that first")
        reason = str(failed.get(unit.id, "it had not ended"))
        images = outcome.images if outcome is not None and unit.kind == "training" else 0
        given_up[unit.id] = GivenUpUnit(f"given up: {reason}", images)
    _keep(study, view, GivenUp(given_up))
    return chosen


def take_back(study: StudySpec, view: View, unit_ids: Collection[str]) -> None:
    """Have units that were given up run again; others are passed over.

    Raises:
        StoreError: the store cannot be written.
    """
    units = study.found.given_up.units
    kept = {unit_id: unit for unit_id, unit in units.items() if unit_id not in unit_ids}
    if len(kept) < len(units):
        _keep(study, view, GivenUp(kept))


def _missing(prefix: str, name: str, plan: Plan, failed: Mapping[str, Failure]) -> PlannedUnit:
    found = [planned for planned in plan.missing if planned.unit.id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = listing(planned.unit.id for planned in found)
        raise StoreError(f"{len(found)} missing units of {name} have ids that start so: {ids}")
    those = f"failed are: {listing(failed)}" if failed else "none of its units has failed"
    raise StoreError(f"no missing unit of {name} has an id that starts with {prefix!r}; {those}")


def _keep(study: StudySpec, view: View, given_up: GivenUp) -> None:
    folder = view.store.claim_study_folder(study)
    view.store.replace(folder / GIVEN_UP, given_up_text(given_up))
