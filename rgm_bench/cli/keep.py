"""Commands that keep a store in order: sync, gc."""

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.cli.counts import counted
from rgm_bench.cli.damaged import name_unsealed
from rgm_bench.cli.options import DEFAULT_STORE, StoreLocation
from rgm_bench.results.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rgm_bench.sync import Synced
    from rgm_bench.upkeep.garbage import Garbage


def sync(
    studies: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STUDY]...", help="NAME or NAME/PROFILE; default: all there are."),
    ] = None,
    store: StoreLocation = DEFAULT_STORE,
    seal: Annotated[
        bool,
        typer.Option("--seal", help="First give digests to results from before there were any."),
    ] = False,
) -> None:
    """Make MLflow and the Parquet tables again from the results, and journals one segment."""
    from rgm_bench.results.store_frames import EVALUATIONS, write_store_evaluations
    from rgm_bench.sync import sync_studies
    from rgm_bench.upkeep.kept_studies import chosen_studies
    from rgm_bench.upkeep.seal import seal_results

    kept = Store.open(store)
    if seal:
        print(f"sealed {counted(seal_results(kept), 'result')}")
    found: list[Synced] = []
    for synced in sync_studies(kept, chosen_studies(kept, studies or [])):
        found.append(synced)
        print(f"{synced.study}: {_in_words(synced)}")
        if synced.problem:
            print(f"error: {synced.problem}", file=sys.stderr)
    wrote = write_store_evaluations(kept)
    name_unsealed(kept.unsealed, kept)
    if wrote:
        print(f"{kept.root / EVALUATIONS}: written")
    if any(synced.problem for synced in found):
        raise typer.Exit(exit_codes.USAGE)
    if not wrote and not any(synced.is_new for synced in found):
        print("nothing new: the views had every result already")


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Remove what is listed.")] = False,
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """List what no study of a store refers to, with sizes; remove it only with --delete."""
    from rgm_bench.upkeep.garbage import find_garbage, remove_garbage

    kept = Store.open(store)
    found = find_garbage(kept)
    if not found:
        print(f"{kept}: nothing that a study of this store could do without")
        return
    for garbage in found:
        place = garbage.path.relative_to(kept.root)
        print(f"{_bytes(garbage.num_bytes):>10}  {place}  {garbage.why}")
    _print_totals(found)
    if not delete:
        print("nothing was removed; `rgm-bench gc --delete` removes what is listed")
        return
    removed = list(remove_garbage(kept, found))
    print(f"removed {len(removed)}, {_bytes(sum(garbage.num_bytes for garbage in removed))}")
    if len(removed) < len(found):
        print(f"left {len(found) - len(removed)} that a process has begun to work on")


def _in_words(synced: "Synced") -> str:
    parts = [
        (synced.num_runs, f"{counted(synced.num_runs, 'run')} written to MLflow"),
        (synced.wrote_table, "trials.parquet written"),
        (synced.num_segments, f"{counted(synced.num_segments, 'journal segment')} made one"),
    ]
    return ", ".join(text for happened, text in parts if happened) or "nothing new"


def _print_totals(found: "Sequence[Garbage]") -> None:
    counts, sizes = Counter[str](), Counter[str]()
    for garbage in found:
        counts[garbage.why] += 1
        sizes[garbage.why] += garbage.num_bytes
    print()
    for why, count in counts.items():
        print(f"{_bytes(sizes[why]):>10}  {count:>6}  {why}")
    print(f"{_bytes(sizes.total()):>10}  {len(found):>6}  in all")


def _bytes(number: int) -> str:
    """A size as people say it, in powers of 1024."""
    size, unit = float(number), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{number} B" if unit == "B" else f"{size:.1f} {unit}"
