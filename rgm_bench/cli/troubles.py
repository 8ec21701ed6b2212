"""Units that did not end well, as `status` and the end of a run tell of them."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final

from rgm_bench.cli.options import DEFAULT_STORE

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


def failed_lines(failed: Mapping[str, "Failure"], plan: "Plan") -> Iterator[str]:
    """A line for each unit that failed: which it is, and how it did."""
    planned = {each.unit.id: each for each in plan.units}
    for unit_id, how in failed.items():
        yield f"failed:   {_named(planned[unit_id])}: {how}"


def diverged_lines(diverged: Mapping[str, str], plan: "Plan") -> Iterator[str]:
    """A line for each unit that diverged, but none for what measures a training that did."""
    planned = {each.unit.id: each for each in plan.units}
    for unit_id, why in diverged.items():
        if planned[unit_id].unit.needs not in diverged:
            yield f"diverged: {_named(planned[unit_id])}: {why}"


def diverged_in(plan: "Plan") -> dict[str, str]:
    """Why each unit diverged that is in the store as such."""
    return {
        each.unit.id: each.outcome.reason or "no reason given"
        for each in plan.units
        if each.state == "diverged" and each.outcome is not None
    }


def _named(planned: "PlannedUnit") -> str:
    return f"{planned.unit.kind} {planned.unit.id} ({planned.label})"
