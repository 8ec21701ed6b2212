"""Images a second of small trainings packed on one GPU, and of one training over all GPUs.

    python benchmarks/packing.py [--steps 100] [--batch-size 64]

1, 2 and 4 trainings of the digits run at once on one GPU, each on a fraction of it, as a study's
`resources.gpus` has them; then all GPUs share one training, as `resources.processes` has it. Ratios
are to one training on one GPU. Without a GPU, CPU processes stand in for both. Clocks start when
all trainings have done their first steps.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from rgm_bench.build.training import build_training
from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.spec import TrainingSource, TrainingSpec
from rgm_bench.execution.base import Attempt, Unit
from rgm_bench.execution.device import take_device
from rgm_bench.execution.ray import RayExecutor
from rgm_bench.execution.ray_train import RayTrain
from rgm_bench.ranks import ALONE, Ranks

WARM_UP_STEPS = 10
PACKED = (1, 2, 4)


@dataclass(frozen=True)
class Measurement:
    """Trains for some steps and writes images a second into `folder`.

    Args:
        spec: of the training.
        folder: where all that run at once meet.
        at_once: how many those are.
        steps: that are timed.
        gpus: of one process.
    """

    spec: TrainingSpec
    folder: Path
    at_once: int
    steps: int
    gpus: float

    def __call__(self, unit: Unit) -> Attempt:
        """Measure as a unit of a study."""
        self.measure(unit.id, ALONE)
        return Attempt(unit.id, "ok", 0.0)

    def share(self, ranks: Ranks) -> None:
        """Measure as one of several processes."""
        self.measure(f"process-{ranks.rank}", ranks)

    def measure(self, name: str, ranks: Ranks) -> None:
        """The first process of a training writes the rate of all of it."""
        training = build_training(self.spec, take_device(self.gpus), ranks=ranks)
        training.steps = WARM_UP_STEPS
        training.run(lambda: None)
        self._meet(name)
        started = time.perf_counter()
        training.steps += self.steps
        training.run(lambda: None)  # every step reads its losses, and so waits for the device
        rate = self.steps * self.spec.batch_size / (time.perf_counter() - started)
        if ranks.is_first:
            (self.folder / f"{name}.rate").write_text(str(rate))

    def _meet(self, name: str) -> None:
        (self.folder / f"{name}.ready").touch()
        while len(list(self.folder.glob("*.ready"))) < self.at_once:
            time.sleep(0.01)

    def total(self) -> float:
        """Images a second of all that ran."""
        return sum(float(path.read_text()) for path in self.folder.glob("*.rate"))


def packed(spec: TrainingSpec, number: int, steps: int, *, on_gpu: bool) -> float:
    """Images a second of `number` trainings at once on one GPU, or on as many CPUs."""
    gpus = 1 / number if on_gpu else 0
    with tempfile.TemporaryDirectory() as name, only_the_first_gpu():
        measurement = Measurement(spec, Path(name), number, steps, gpus)
        executor = RayExecutor(measurement, gpus=gpus, workers=number)
        try:
            for index in range(number):
                executor.submit(Unit("training", str(index), {}))
            ended: list[Attempt] = []
            while len(ended) < number:
                ended += executor.wait(1.0)
        finally:
            executor.close()
        require_all_ended(ended)
        return measurement.total()


def shared(spec: TrainingSpec, processes: int, steps: int, *, on_gpu: bool) -> float:
    """Images a second of one training that several processes share, each on a device."""
    gpus = 1 if on_gpu else 0
    with tempfile.TemporaryDirectory() as name:
        measurement = Measurement(spec, Path(name), processes, steps, gpus)
        executor = RayExecutor(measurement, gpus=gpus, workers=processes)
        try:
            RayTrain(processes, 1, gpus)(measurement.share)
        finally:
            executor.close()
        return measurement.total()


def require_all_ended(ended: list[Attempt]) -> None:
    for attempt in ended:
        if attempt.ending != "ok":
            raise SystemExit(f"a training ended {attempt.ending}: {attempt.reason}")


@contextmanager
def only_the_first_gpu() -> Iterator[None]:
    """Ray is started with one GPU, so that fractions are of the same."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = (before or "0").split(",")[0]
    try:
        yield
    finally:
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def small_training(batch_size: int) -> TrainingSpec:
    """The training of digits that the shipped studies are made of."""
    overrides = [f"training.batch_size={batch_size}", f"training.images={1000 * batch_size}"]
    study = load_study(packaged_studies() / "steps.yaml", overrides=overrides)
    sources = (trial.spec.source for trial in study.trials)
    return next(s.training for s in sources if isinstance(s, TrainingSource))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=64)
    chosen = parser.parse_args()
    spec, num_gpus = small_training(chosen.batch_size), torch.cuda.device_count()
    num, noun = num_gpus, "GPUs"
    if not num_gpus:
        num, noun = len(os.sched_getaffinity(0)), "CPUs"
        print(f"no GPU: processes on {num} CPUs stand in, one CPU each; GPUs would say more")
    one = 0.0
    for number in PACKED:
        if not num_gpus and number > num:
            print(f"{number} trainings at once: left out, there are {num} CPUs")
            continue
        rate = packed(spec, number, chosen.steps, on_gpu=num_gpus > 0)
        one = one or rate
        where = f"on {number} CPUs" if not num_gpus else "on one GPU"
        print(f"{number} trainings at once {where}: {rate:,.1f} images/s; ratio {rate / one:.2f}")
    if num < 2:
        print(f"one training over all {noun}: left out, there is one")
        return
    rate = shared(spec, num, chosen.steps, on_gpu=num_gpus > 0)
    print(f"one training over {num} {noun}: {rate:,.1f} images/s; ratio {rate / one:.2f}")


if __name__ == "__main__":
    main()
