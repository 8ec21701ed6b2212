"""What the networks of the paper's own scale weigh: two training steps of each, on four images.

    python benchmarks/paper_profiles.py [STUDY ...] [--profile paper]

The data are a handful of made-up pictures in the real on-disk formats; networks and settings are
those of the profile. Prints for each different training its parameters, the memory its process
held at most, seconds a step and FLOPs an image in training, with the ratio to the training that
costs least. A batch of four images is the smallest that the discriminator takes. What a step costs
whatever its batch weighs more in it than in the profile's: DSWD's directions 64 times as much.
"""

import argparse
import io
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import torch
from PIL import Image

from rgm_bench.build.training import build_training
from rgm_bench.config.load import load_study, read_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.spec import (
    ImportedSpec,
    TrainingSource,
    TrainingSpec,
    canonical_json,
    stored_spec,
)
from rgm_bench.cost import step_flops
from rgm_bench.data import contents
from rgm_bench.data.known import subset_fingerprint
from rgm_bench.trial import peak_memory_bytes

IMAGES, STEPS = 8, 2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("studies", nargs="*", help="names of shipped studies; default: all")
    parser.add_argument("--profile", default="paper")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        spec = stored_spec(TrainingSpec, json.loads(Path(options.one).read_text()))
        print(measured(of_noise(spec)))
        return
    found = trainings(options.studies, options.profile)
    print(f"{len(found)} different trainings in the {options.profile} profiles")
    print("parameters G / others   peak MiB   s/step   GFLOP/image   ratio   training")
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        least = None
        for name, spec in found.items():
            row = run_alone(spec, Path(folder)).split()
            least = least or float(row[-1])
            others, peak, seconds, gflop = row[1:]
            ratio = float(gflop) / least
            counts = f"{int(row[0]):>12,} {int(others):>11,}"
            cost = f"{int(peak):>8,} {float(seconds):>8.1f} {float(gflop):>12.1f} {ratio:>8.2f}"
            print(f"{counts} {cost}   {name}", flush=True)


def trainings(names: list[str], profile: str) -> dict[str, TrainingSpec]:
    """Every different training, but for its seed and fidelity weight, under its first label."""
    paths = sorted(packaged_studies().glob("*.yaml"))
    found: dict[str, TrainingSpec] = {}
    seen: set[str] = set()
    for path in paths:
        if names and path.stem not in names:
            continue
        if profile not in read_study(path).entries["profiles"].entries:
            continue  # a tuning study
        for trial in load_study(path, profile=profile).trials:
            if not isinstance(trial.spec.source, TrainingSource):
                continue
            spec = smallest(trial.spec.source.training)
            if isinstance(spec.method, ImportedSpec) or alike(spec) in seen:
                continue
            seen.add(alike(spec))
            labels = ", ".join(f"{axis} {label}" for axis, label in trial.labels.items())
            found[f"{path.stem}: {labels or 'base'}"] = spec
    return found


def smallest(spec: TrainingSpec) -> TrainingSpec:
    """The training in batches of four, with the networks and settings as they are."""
    fields = spec.model_dump() | {"batch_size": 4, "images": 4000, "seed": 0, "ema": {"decay": 0.9}}
    return TrainingSpec.model_validate(fields)


def alike(spec: TrainingSpec) -> str:
    """The same text for trainings of the same networks and method."""
    fields: dict[str, Any] = spec.model_dump()
    fields["method"].pop("fidelity_weight", None)
    return repr(fields)


def of_noise(spec: TrainingSpec) -> TrainingSpec:
    """The training with the made-up images under a name of their own, where it is of CIFAR-10."""
    if spec.data.kind != "cifar10":
        return spec
    named = {"subset": "noise", "fingerprint": subset_fingerprint("cifar10")}
    return spec.model_copy(update={"data": spec.data.model_copy(update=named)})


def run_alone(spec: TrainingSpec, folder: Path) -> str:
    """`measured` in a process of its own, whose peak of memory is the training's."""
    path = folder / "spec.json"
    path.write_text(canonical_json(spec))
    environment = {**os.environ, "RGM_BENCH_DATA": str(folder)}
    command = [sys.executable, __file__, "--one", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def measured(spec: TrainingSpec) -> str:
    """Parameters of the generator and of the rest, MiB, seconds a step, GFLOP an image."""
    for key in contents.NUM_IMAGES:
        if key[0] in ("celeba_hq_256", "lsun_church"):
            contents.NUM_IMAGES[key] = IMAGES
    device = torch.device("cpu")
    training = build_training(spec, device)
    started = time.perf_counter()
    for number in range(STEPS):
        losses = training.step(training.draws.at(number), step=number, decay=1.0)
        assert all(torch.isfinite(loss) for loss in losses.values()), losses
    seconds = (time.perf_counter() - started) / STEPS
    peak = peak_memory_bytes(device) // 2**20
    counts = [sum(p.numel() for p in training.step.generator.parameters())]
    counts.append(sum(p.numel() for net in training.step.networks for p in net.parameters()))
    return f"{counts[0]} {counts[1]} {peak} {seconds} {step_flops(spec, device) / 1e9}"


def write_data(root: Path) -> None:
    """A few pictures of noise as each data set has them on disk."""
    rng = np.random.default_rng(0)
    write_cifar10(root / "cifar-10-batches-py", rng)
    write_celeba_hq(root / "celeba_hq_256", rng)
    write_lsun(root / "lsun_church", rng)


def write_cifar10(folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir()
    for name in (name for names in contents.CIFAR10_FILES.values() for name in names):
        batch = {
            b"data": rng.integers(0, 256, (IMAGES, 3072), dtype=np.uint8),
            b"labels": [0] * IMAGES,
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))


def write_celeba_hq(folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir()
    mapping, partition = ["idx orig_idx orig_file"], []
    for index in range(2 * IMAGES):
        pixels = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05}.jpg")
        mapping.append(f"{index} {index} {index + 1:06}.jpg")
        partition.append(f"{index + 1:06}.jpg {index % 2}")
    (folder / contents.CELEBA_HQ_MAPPING).write_text("\n".join(mapping) + "\n")
    (folder / contents.CELEBA_PARTITION).write_text("\n".join(partition) + "\n")


def write_lsun(folder: Path, rng: np.random.Generator) -> None:
    for name in contents.LSUN_CHURCH_FOLDERS.values():
        (folder / name).mkdir(parents=True)
        with (
            lmdb.open(str(folder / name), map_size=2**26) as database,
            database.begin(write=True) as writing,
        ):
            for index in range(IMAGES):
                stream = io.BytesIO()
                pixels = rng.integers(0, 256, (256, 300, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(stream, "WEBP", lossless=True)
                writing.put(f"{index:040x}".encode(), stream.getvalue())


if __name__ == "__main__":
    main()
