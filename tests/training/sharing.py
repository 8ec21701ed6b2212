"""A training in float64 that several processes share, for tests to run and to compare."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
import torch
from torch import distributed, multiprocessing

from rgm_bench.build.training import build_training
from rgm_bench.config.spec import TrainingSpec
from rgm_bench.data.images import to_unit_range
from rgm_bench.errors import DivergedError
from rgm_bench.ranks import ALONE, Ranks
from rgm_bench.training.checkpoint import Checkpoint
from rgm_bench.training.loop import Training

CPU = torch.device("cpu")

Run = Callable[[Ranks, Path, dict[str, Any]], None]
"""What each process does, given its place, a folder and what it is about."""


def run_in(num: int, run: Run, folder: Path, about: dict[str, Any]) -> None:
    """Have `num` new processes run a function; raises what one of them raised.

    They are forked: a fresh process would import torch for seconds.
    """
    address = f"file://{folder / f'meeting-{len(list(folder.iterdir()))}'}"
    arguments = (num, run, folder, about, address)
    multiprocessing.start_processes(_run, arguments, nprocs=num, start_method="fork")


def _run(rank: int, num: int, run: Run, folder: Path, about: dict[str, Any], address: str) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    jaxtyping.config.update("jaxtyping_disable", True)  # some tables are said to be float32
    if num == 1:
        run(ALONE, folder, about)
        return
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=num)
    try:
        run(Ranks.joined(), folder, about)
    finally:
        distributed.destroy_process_group()


def train_in_float64(ranks: Ranks, folder: Path, about: dict[str, Any]) -> None:
    """Do the steps up to `until`, from the file `resume` on if it is named, and save as `save`."""
    training = in_float64(
        build_training(TrainingSpec.model_validate(about["spec"]), CPU, ranks=ranks)
    )
    if about.get("resume"):
        read = Checkpoint.read(folder / about["resume"], CPU) if ranks.is_first else None
        checkpoint = ranks.from_first(read)
        assert checkpoint is not None
        training.resume(checkpoint)
    training.steps = about["until"]
    training.run(lambda: None)
    name = about["save"] if ranks.is_first else f"{about['save']}-{ranks.rank}"
    (folder / name).write_bytes(training.checkpoint().to_bytes())


def diverge(ranks: Ranks, folder: Path, about: dict[str, Any]) -> None:
    """Train on data of which one sample, seen by one process, is not finite; all have to hear."""
    training = build_training(TrainingSpec.model_validate(about["spec"]), CPU, ranks=ranks)
    if ranks.rank == 1:
        training.draws.data = torch.full(training.draws.data.shape, torch.nan)
    try:
        training.run(lambda: None)
    except DivergedError as error:
        (folder / f"diverged-{ranks.rank}").write_text(str(error))


def in_float64(training: Training) -> Training:
    """The same training of float64 data; the networks are so by torch's default."""
    step: Any = training.step
    adversary = step.objective.prior.adversary
    # as a spec has them called, they end in float32
    step.restore, adversary.classify = step.generator, adversary.discriminator
    draws = training.draws
    draws.data = to_unit_range(draws.data).double()
    return training
