"""Units that did not end well, as `status` and the end of a run tell of them."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from rgm_bench.cli.counts import counted
from rgm_bench.cli.options import DEFAULT_STORE
from rgm_bench.config.problems import listing

if TYPE_CHECKING:
    from rgm_bench.config.study import StudySpec
    from rgm_bench.execution.failures import Failure
    from rgm_bench.plan import Plan, PlannedUnit


@final
class Commands:
    """The commands that go on with a study as it was asked for, ready to be pasted into a shell."""

    def __init__(
        self,
        study: Path,
        spec: "StudySpec",
        overrides: Sequence[str],
        store: str,
        *,
        verb: str = "run",
    ) -> None:
        words = [str(study), "--profile", spec.profile]
        words += [word for override in overrides for word in ("--set", override)]
        if store != DEFAULT_STORE:
            words += ["--store", store]
        self.run = shlex.join(["rgm-bench", verb, *words])
        """Runs what is missing, failed units among it."""
        self.retry = shlex.join(["rgm-bench", "retry", *words])
        """Forgets what diverged, and runs it again."""
        self.without_rungs = shlex.join(["rgm-bench", "run", *words, "--set", "search.pruner=null"])
        """Goes on with the trainings of trials that were pruned."""


def failed_lines(failed: Mapping[str, "Failure"], plan: "Plan") -> Iterator[str]:
    """A line for each unit that failed: which it is, and how it did."""
    planned = {each.unit.id: each for each in plan.units}
    for unit_id, how in failed.items():
        yield f"failed:   {_named(unit_id, planned)}: {how}"


def blocking_lines(
    study: "StudySpec", failed: "Mapping[str, Failure]", commands: Commands
) -> Iterator[str]:
    """Which trials of a search wait for a unit that failed, and what to do about each unit."""
    from rgm_bench.failed_trials import blocking

    trials: dict[str, list[int]] = {}
    for number, unit_id in blocking(study, failed).items():
        trials.setdefault(unit_id, []).append(number)
    for unit_id, numbers in trials.items():
        named = f"trial {numbers[0]}" if len(numbers) == 1 else f"trials {listing(numbers)}"
        has, them = ("has", "it") if len(numbers) == 1 else ("have", "them")
        yield (
            f"{named} {has} failed, and the search waits for {them}: mend the cause and run again, "
            f"or go on without: {commands.retry} --give-up {unit_id}"
        )


def diverged_lines(diverged: Mapping[str, str], plan: "Plan") -> Iterator[str]:
    """A line for each unit that diverged, but none for what measures a training that did."""
    planned = {each.unit.id: each for each in plan.units}
    for unit_id, why in diverged.items():
        known = planned.get(unit_id)
        if known is None or known.unit.needs not in diverged:
            yield f"diverged: {_named(unit_id, planned)}: {why}"


def diverged_in(plan: "Plan") -> dict[str, str]:
    """Why each unit diverged that is in the store as such."""
    return {
        each.unit.id: each.outcome.reason or "no reason given"
        for each in plan.units
        if each.state == "diverged" and each.outcome is not None
    }


def failures_in_words(failed: int, blocked: int) -> str:
    """How many units failed, and how many others did not run for want of them."""
    if not blocked:
        return f"{counted(failed, 'unit')} failed"
    verb = "needs" if blocked == 1 else "need"
    them = "it" if failed == 1 else "them"
    return f"{counted(failed, 'unit')} failed, and {blocked} that {verb} {them} did not run"


def left_in_words(study: "StudySpec", plan: "Plan") -> str:
    """How much of a study has not run: units, and trials that its search has yet to draw."""
    left = counted(len(plan.missing), "unit")
    if study.search is None:
        return left
    to_draw = study.search.spec.trials - len(study.found.suggestions)
    return f"{left} and {counted(to_draw, 'trial')} to draw" if to_draw else left


def _named(unit_id: str, planned: "Mapping[str, PlannedUnit]") -> str:
    known = planned.get(unit_id)
    if known is None:  # another command has changed what the search asks for
        return f"unit {unit_id}"
    return f"{known.unit.kind} {unit_id} ({known.label})"
