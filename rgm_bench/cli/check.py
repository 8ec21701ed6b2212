"""The command that gates: check."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, final

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.cli.evaluate import ExtractorOption
from rgm_bench.cli.gate_outputs import Inconclusive, Outputs, write_update
from rgm_bench.cli.options import (
    DEFAULT_STORE,
    CodeOption,
    Overrides,
    Profile,
    StoreLocation,
    open_study,
    open_view,
)
from rgm_bench.cli.run import (
    Address,
    ExecutorChoice,
    ExecutorOption,
    RuntimeEnv,
    TimeLimit,
    Workers,
    conclude,
    run_missing,
    stopping_cleanly,
)
from rgm_bench.cli.troubles import Commands
from rgm_bench.errors import UserError

if TYPE_CHECKING:
    from rgm_bench.config.gate import GateSpec
    from rgm_bench.config.study import StudySpec
    from rgm_bench.gate.against import OtherCommit
    from rgm_bench.gate.baseline import Measurement
    from rgm_bench.gate.images import ImageGate, Images
    from rgm_bench.results.store import View


class Tier(StrEnum):
    """A part of a check that can be run alone."""

    FINGERPRINT = "fingerprint"


Baseline = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Default: results/baselines/<study>-<profile>.json."),
]


def check(
    study: Annotated[
        Path | None, typer.Argument(metavar="[STUDY]", help="A study file (YAML, or Python).")
    ] = None,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006  # typer copies it
    baseline: Baseline = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write a new baseline instead of comparing.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Measure this commit, too, and compare with it."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="What to gate; may be given several times.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(min=0, help="What the mean may worsen; kept by --update.")
    ] = None,
    only: Annotated[Tier | None, typer.Option(help="Run only this part, in seconds.")] = None,
    inconclusive: Annotated[
        Inconclusive, typer.Option(help="What a check that decides nothing counts as.")
    ] = Inconclusive.FAIL,
    arm_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Instead of a study: what writes images, with {seed} and {dir} in it.",
        ),
    ] = None,
    arm_folders: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", help="Instead of a study: images that are there, with {seed} in it."
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="REFERENCE",
            help="Of images: a data set with or without its split (digits:test), or a folder.",
        ),
    ] = None,
    extractor: Annotated[
        ExtractorOption | None, typer.Option(help="Of images: the network that sees them.")
    ] = None,
    num_images: Annotated[
        int | None, typer.Option(min=1, help="Of images: how many of each seed (default: all).")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Of images: how many seeds, from 0 on.")] = 5,
    name: Annotated[str, typer.Option(help="Of images: what the gate is called.")] = "images",
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write JSON.")] = None,
    store: StoreLocation = DEFAULT_STORE,
    workers: Workers = None,
    executor: ExecutorChoice = ExecutorOption.RAY,
    address: Address = None,
    runtime_env: RuntimeEnv = None,
    time_limit: TimeLimit = None,
) -> None:
    """Compare scores with a baseline, or with another commit: exit 1 for a regression.

    What is compared is a study, or the images of any model. Every output says the smallest
    regression that the check finds 9 times in 10.

    Codes: 0 pass, 1 regression, 2 usage, 3 inconclusive, 4 not comparable, 5 failed units.
    """
    _require_one_of(study, arm_command, arm_folders)
    _require_no_mix(update, against, only, arm_folders, time_limit)
    outputs = Outputs(store, inconclusive, markdown, junit, json)
    if study is None:
        if reference is None:
            raise UserError(
                "--reference is missing: expected what the images are compared with, such as "
                "digits:test or a folder of pictures"
            )
        from rgm_bench.gate.images import ImageGate
        from rgm_bench.results.store import Store

        images = ImageGate(
            name=_slug(name),
            reference=reference,
            seeds=range(seeds),
            metrics=tuple(metric or ("fid",)),
            cache=Store.at(store).root / "references",
            num_images=num_images,
            extractor=extractor.value if extractor else None,
            margin=margin,
        )
        with stopping_cleanly():
            _check_images(images, arm_command, arm_folders, outputs, baseline, update, against)
        return
    spec = open_study(study, profile, overrides)
    from rgm_bench.gate.measure import gate_of

    gate = gate_of(spec, metrics=metric or (), margin=margin)
    asked = _Asked(study, profile, overrides, tuple(metric or ()), margin)
    how = _How(store, executor, workers, address, runtime_env, time_limit)
    with stopping_cleanly():
        if against is not None:
            _check_commit(spec, gate, asked, how, outputs, against)
        else:
            _check_study(spec, gate, asked, how, outputs, baseline, update, only)


@final
@dataclass(frozen=True)
class _Asked:
    """A study as it was asked for."""

    study: Path
    profile: str
    overrides: Sequence[str]
    metrics: tuple[str, ...]
    margin: float | None

    def words(self) -> list[str]:
        """The same request as words of a command, without the study."""
        words = ["--profile", self.profile]
        words += [word for override in self.overrides for word in ("--set", override)]
        words += [word for metric in self.metrics for word in ("--metric", metric)]
        return words + ([] if self.margin is None else ["--margin", str(self.margin)])


@final
@dataclass(frozen=True)
class _How:
    """How the units of a study are run."""

    store: str
    executor: ExecutorOption
    workers: int | None
    address: str | None
    runtime_env: Path | None
    time_limit: float | None

    def words(self) -> list[str]:
        """The same as words of a command, without the store."""
        words = ["--executor", self.executor.value]
        words += [] if self.workers is None else ["--workers", str(self.workers)]
        words += [] if self.address is None else ["--address", self.address]
        runtime_env = self.runtime_env and self.runtime_env.resolve()
        return words + ([] if runtime_env is None else ["--runtime-env", str(runtime_env)])


def _check_study(
    spec: "StudySpec",
    gate: "GateSpec",
    asked: _Asked,
    how: _How,
    outputs: Outputs,
    baseline: Path | None,
    update: bool,
    only: Tier | None,
) -> None:
    from rgm_bench.gate.baseline import FOLDER, read_baseline
    from rgm_bench.gate.compare import compare, compare_fingerprints
    from rgm_bench.gate.measure import first_look, measured, require_seeds
    from rgm_bench.gate.outputs.terminal import console, print_fingerprints

    path = baseline or FOLDER / f"{spec.name}-{spec.profile}.json"
    known = None if update else read_baseline(path)
    if only is None:
        require_seeds(spec)
    view = open_view(how.store, CodeOption.STRICT)
    look = first_look(spec, gate, view)
    if known is not None:
        fingerprints = compare_fingerprints(known, look)
        print_fingerprints(fingerprints, console())
        if only is not None:
            same = all(each.sameness == "same" for each in fingerprints)
            raise typer.Exit(exit_codes.DONE if same else exit_codes.REGRESSION)
    _bring_on(spec, view, asked, how)
    now = measured(spec, gate, view, look)
    if known is None:
        write_update(now, path)
        return
    outputs.give(
        compare(now, known, against=str(path), margin=gate.margin, others=bool(asked.metrics))
    )


def _check_commit(
    spec: "StudySpec",
    gate: "GateSpec",
    asked: _Asked,
    how: _How,
    outputs: Outputs,
    ref: str,
) -> None:
    """Measure a study by another commit and by this one, on this machine."""
    from rgm_bench.gate.against import measured_by, other_commit
    from rgm_bench.gate.compare import compare, compare_fingerprints
    from rgm_bench.gate.measure import first_look, measured, require_seeds
    from rgm_bench.gate.outputs.terminal import console, print_fingerprints

    require_seeds(spec)
    with other_commit(ref) as other:
        known = measured_by(other, asked.study, [*asked.words(), *how.words()])
        # a store of its own for this side, too: results of another machine are not compared
        here = replace(how, store=str(other.scratch / "store-here"))
        view = open_view(here.store, CodeOption.STRICT)
        look = first_look(spec, gate, view)
        print_fingerprints(compare_fingerprints(known, look), console())
        _bring_on(spec, view, asked, here)
        now = measured(spec, gate, view, look)
    outputs.give(compare(now, known, against=_named(other), others=bool(asked.metrics)))


def _check_images(
    gate: "ImageGate",
    command: str | None,
    folders: str | None,
    outputs: Outputs,
    baseline: Path | None,
    update: bool,
    ref: str | None,
) -> None:
    from rgm_bench.gate.against import other_commit
    from rgm_bench.gate.baseline import FOLDER, read_baseline
    from rgm_bench.gate.compare import compare
    from rgm_bench.gate.images import from_command, from_folders

    gate.require_sense()
    images = from_command(command) if command is not None else from_folders(folders or "")
    if ref is not None:
        assert command is not None
        with other_commit(ref) as other:
            there = from_command(command, cwd=other.folder, environment=other.environment)
            known = _measured(gate, there)
            now = _measured(gate, images)
        outputs.give(compare(now, known, against=_named(other)))
        return
    path = baseline or FOLDER / f"{gate.name}.json"
    known = None if update else read_baseline(path)
    now = _measured(gate, images)
    if known is None:
        write_update(now, path)
        return
    outputs.give(compare(now, known, against=str(path), margin=gate.margin))


def _measured(gate: "ImageGate", images: "Images") -> "Measurement":
    """The numbers of a model; leave the command if it gives no images for a seed."""
    import sys

    from rgm_bench.gate.images import GeneratorError, measured_images

    try:
        return measured_images(gate, images)
    except GeneratorError as error:
        print(f"failed:   {error}", file=sys.stderr)
        raise typer.Exit(exit_codes.FAILED_UNITS) from None


def _bring_on(spec: "StudySpec", view: "View", asked: _Asked, how: _How) -> None:
    """Run what the present code has not run yet; leave the command if that fails."""
    from rgm_bench.execution.budget import Budget
    from rgm_bench.plan import make_plan

    plan = make_plan(spec, view)
    count = len(plan.missing)
    print(f"{spec.name}/{spec.profile}: {len(plan.units)} units, {count} to run with this code")
    if not count:
        return
    budget = Budget(seconds=inf if how.time_limit is None else how.time_limit)
    summary = run_missing(
        spec, view, plan, budget, how.executor, how.workers, how.address, how.runtime_env
    )
    commands = Commands(asked.study, spec, asked.overrides, how.store, verb="check")
    conclude(summary, spec, view, commands)


def _named(other: "OtherCommit") -> str:
    return f"{other.ref} ({other.commit[:8]})"


def _require_one_of(study: Path | None, command: str | None, folders: str | None) -> None:
    given = [each for each in (study, command, folders) if each is not None]
    if len(given) != 1:
        found = "nothing" if not given else "more than one of them"
        raise UserError(
            f"rgm-bench check: found {found}; expected a study, --arm-command or --arm-folders"
        )


def _require_no_mix(
    update: bool,
    against: str | None,
    only: Tier | None,
    folders: str | None,
    time_limit: float | None,
) -> None:
    if against is not None and time_limit is not None:
        raise UserError("--against cannot go on later: leave out --time-limit")
    if against is not None and update:
        raise UserError(
            "--against measures what it compares with: leave out --update, which writes a baseline"
        )
    if only is not None and (update or against is not None):
        raise UserError("--only compares with a baseline: leave out --update and --against")
    if against is not None and folders is not None:
        raise UserError(
            "--against measures two commits, and --arm-folders are the images of one: use "
            "--arm-command, which runs in both"
        )


def _slug(name: str) -> str:
    if not name or any(not (letter.isalnum() or letter in "_-") for letter in name):
        raise UserError(f"--name: found {name!r}; expected letters, digits, _ and - only")
    return name
