"""Commands that look at a study or a store: plan, status, show, logs, sample."""

import gc
import json
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgm_bench.cli.counts import counted
from rgm_bench.cli.damaged import name_left_out, name_unsealed, refuse_noted, take_note
from rgm_bench.cli.options import (
    DEFAULT_STORE,
    Code,
    CodeOption,
    Overrides,
    Profile,
    StoreLocation,
    StudyFile,
    UnitId,
    open_study,
    open_view,
)
from rgm_bench.results.mirror import LOG
from rgm_bench.results.store import Store

if TYPE_CHECKING:
    from rgm_bench.config.study import StudySpec
    from rgm_bench.plan import Plan
    from rgm_bench.results.lease import Progress


def plan(
    study: StudyFile,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006
    store: StoreLocation = DEFAULT_STORE,
    workers: Annotated[int, typer.Option(min=1, help="Units at once, for the estimate.")] = 2,
    units: Annotated[bool, typer.Option("--units", help="List every unit with its id.")] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Run 20 training steps and tell hours, memory, FLOPs.")
    ] = False,
    code: Code = CodeOption.WARN,
) -> None:
    """Say what a study consists of, what the store holds of it, and how long the rest will take."""
    from rgm_bench.plan import make_plan, notes_on_data
    from rgm_bench.search import searched

    with _collecting_nothing():
        spec, view = open_study(study, profile, overrides), open_view(store, code)
        noted = take_note(view)
        spec = searched(spec, view)
        made = make_plan(spec, view)
    print(f"{spec.name}/{spec.profile}: {spec.title}")
    _print_search(spec)
    _print_counts(made)
    if measure:
        _print_measured(spec, made, workers)
    else:
        _print_estimate(made, workers)
    if units:
        _print_units(made)
    for note in notes_on_data(spec):
        print(note)
    name_left_out(view)
    refuse_noted(noted)


def status(
    study: StudyFile,
    profile: Profile = "laptop",
    overrides: Overrides = [],  # noqa: B006
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Say how far a study is and how long it will take, also while another shell runs it."""
    from rgm_bench.cli.troubles import (
        Commands,
        blocking_lines,
        diverged_in,
        diverged_lines,
        failed_lines,
    )
    from rgm_bench.failed_trials import failed_units, with_failed
    from rgm_bench.plan import make_plan
    from rgm_bench.search import searched

    with _collecting_nothing():
        view = open_view(store)
        noted = take_note(view)
        spec = searched(open_study(study, profile, overrides), view)
        made = make_plan(spec, view)
    _print_search(with_failed(spec, view))
    _print_counts(made)
    missing = {planned.unit.id: planned for planned in made.missing}
    view.store.settle()
    at_work = [found for found in view.store.running() if found.id in missing]
    for progress in at_work:
        print(
            f"running  {progress.id}  {progress.kind} {missing[progress.id].label}: "
            f"{progress.share:.0%}, {progress.images_per_second:,.0f} images/s on {progress.host}"
        )
    failed = failed_units(spec, made, view)
    diverged = diverged_in(made)
    for line in (*failed_lines(failed, made), *diverged_lines(diverged, made)):
        print(line)
    commands = Commands(study, spec, overrides, store)
    if failed:
        print(f"try what failed again:   {commands.run}")
    for line in blocking_lines(spec, failed, commands):
        print(line)
    if diverged:
        print(f"try what diverged again: {commands.retry}")
    if spec.found.given_up.units:
        print(f"take back what was given up: {commands.retry}")
    if any(suggestion.state == "pruned" for suggestion in spec.found.suggestions):
        print(f"go on with pruned trials: {commands.without_rungs}")
    if missing:
        _print_time_left(made, at_work)
    name_left_out(view)
    refuse_noted(noted)


@contextmanager
def _collecting_nothing() -> Generator[None]:
    """Without the garbage collector: ten thousand specs and results are all needed to the end."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _print_time_left(made: "Plan", at_work: "Sequence[Progress]") -> None:
    from rgm_bench.cli.durations import in_words

    if not at_work:
        print("nothing runs just now; `rgm-bench run` goes on")
        return
    left = made.estimated_seconds(len(at_work), {p.id: p.share for p in at_work})
    at_once = f"with {counted(len(at_work), 'unit')} at once"
    if left is None:
        print("time left: unknown until a unit has finished")
    else:
        print(f"time left: about {in_words(left)} {at_once}")


def show(unit: UnitId, store: StoreLocation = DEFAULT_STORE) -> None:
    """Print all that the store knows of a unit: spec, metrics, cost, provenance."""
    kept = Store.open(store)
    kind, unit_id = kept.find(unit)
    outcome = kept.outcome(kind, unit_id)
    if outcome is None:
        print(f"{kind} {unit_id}: not finished")
        return
    name_unsealed(kept.unsealed, kept)
    print(json.dumps(outcome.to_json(), indent=2))


def logs(unit: UnitId, store: StoreLocation = DEFAULT_STORE) -> None:
    """Print what a unit logged, failures included, oldest attempt first."""
    kept = Store.open(store)
    kind, unit_id = kept.find(unit)
    folders = sorted((kept.root / f"{kind}s" / unit_id).glob("*"))
    for folder in folders:
        kept.fetch(kind, unit_id, folder.name, LOG)
    paths = [folder / LOG for folder in folders if (folder / LOG).exists()]
    if not paths:
        print(f"{kind} {unit_id} has logged nothing")
    for path in paths:
        print(path.read_text(), end="")


def sample(
    unit: UnitId,
    num: Annotated[int, typer.Option(min=1, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the images.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the PNG files.")] = Path("samples"),
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Generate more images from a training that is in the store."""
    from rgm_bench.more_samples import finished_training, save_samples

    kept = Store.open(store)
    outcome = finished_training(unit, kept)
    save_samples(outcome, kept, num=num, seed=seed, folder=out)
    print(f"{counted(num, 'image')} in {out}")


def _print_search(spec: "StudySpec") -> None:
    """Say how far a search is: what follows counts the units that it has asked for so far."""
    if spec.search is None:
        return
    states = Counter(suggestion.state for suggestion in spec.found.suggestions)
    ended = ", ".join(f"{number} {state}" for state, number in states.items() if number)
    print(
        f"{len(spec.found.suggestions):>6} of {counted(spec.search.spec.trials, 'trial')}: {ended}"
    )


def _print_counts(made: "Plan") -> None:
    for kind in ("training", "evaluation"):
        missing, stale = made.count(kind, "missing"), made.count(kind, "stale")
        diverged, total = made.count(kind, "diverged"), made.count(kind)
        done = made.count(kind, "done") + stale + diverged
        notes = [
            f"{number} {word}"
            for number, word in ((stale, "by other code"), (diverged, "diverged"))
            if number
        ]
        extra = f" ({', '.join(notes)})" if notes else ""
        given_up = made.count(kind, "given up")
        extra += f", {given_up} given up" if given_up else ""
        kinds = kind if total == 1 else f"{kind}s"
        print(f"{total:>6} {kinds}: {done} done{extra}, {missing} to run")


def _print_estimate(made: "Plan", slots: int) -> None:
    from rgm_bench.cli.durations import in_words

    if not made.missing:
        print("nothing to run")
        return
    seconds = made.estimated_seconds(slots)
    if seconds is None:
        print("time: unknown until a unit has finished; `plan --measure` runs 20 steps and tells")
    else:
        print(f"time: about {in_words(seconds)} with {counted(slots, 'unit')} at once")


def _print_measured(spec: "StudySpec", made: "Plan", slots: int) -> None:
    """Measure the first training of the study; the others are taken to cost as much an image."""
    from rgm_bench.cli.durations import in_words
    from rgm_bench.config.spec import TrainingSpec, stored_spec
    from rgm_bench.execution.device import take_device
    from rgm_bench.measure import STEPS, measure_training

    trainings = [p for p in made.units if p.unit.kind == "training"]
    first = stored_spec(TrainingSpec, trainings[0].unit.spec)
    cost = measure_training(first, take_device(spec.resources.gpus), spec.parts)
    missing = sum(p.work for p in made.missing if p.unit.kind == "training")
    processes = spec.resources.processes
    alone = f", in one process where the study has {processes}" if processes > 1 else ""
    print(f"measured {STEPS} steps of {trainings[0].label}{alone}:")
    print(f"  {cost.images_per_second:,.0f} images/s; a training: {in_words(cost.seconds)}")
    print(
        f"  {cost.flops_per_image / 1e9:,.3g} GFLOP an image, "
        f"{cost.flops / 1e15:,.3g} PFLOP a training"
    )
    print(
        f"  {cost.parameters:,} generator parameters, "
        f"{cost.peak_memory_bytes / 2**30:.2f} GiB at most"
    )
    print(
        f"the {counted(made.count('training', 'missing'), 'training')} to run: "
        f"{in_words(missing / cost.images_per_second / slots)} with {slots} at once"
    )


def _print_units(made: "Plan") -> None:
    for planned in made.units:
        print(f"{planned.state:<9} {planned.unit.kind:<10} {planned.unit.id}  {planned.label}")
