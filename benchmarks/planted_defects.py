"""Which defects the gate of this package finds: each is planted in a copy of it, then checked.

    python benchmarks/planted_defects.py [--study studies/ci_fid.yaml] [--profile laptop]
        [--baseline FILE] [--only NAME ...] [--store FOLDER] [--set FIELD=VALUE ...]

Without a baseline one is made first, by the code as it is. All checks share one store, so that
results of sound code are there to be mistaken for those of the defect. A check of sound code, which
has to pass, comes first and last. Prints what the fingerprint says, the exit code, and what each
number did.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rgm_bench

PACKAGE = Path(rgm_bench.__file__).parent
ROOT = PACKAGE.parent


@dataclass(frozen=True)
class Defect:
    """An edit of one file of the package that computes something else."""

    name: str
    file: str
    sound: str
    broken: str


DEFECTS = (
    Defect(
        "average ten times as long",
        "models/ema.py",
        "get_ema_multi_avg_fn(decay)",
        "get_ema_multi_avg_fn(1 - (1 - decay) / 10)",
    ),
    Defect(
        "schedule off by one level",
        "forward/schedule.py",
        "at_level(self.signal, level, like), at_level(self.sigma, level, like)",
        "at_level(self.signal, (level - 1).clamp(min=0), like), at_level(self.sigma, level, like)",
    ),
    Defect(
        "sign of the fidelity",
        "objectives.py",
        "prior + self.fidelity_weight * fidelity",
        "prior - self.fidelity_weight * fidelity",
    ),
    Defect(
        "R1 missing",
        "priors/adversary.py",
        "penalised = self.r1_weight > 0 and",
        "penalised = False and",
    ),
    Defect(
        "z ignored",
        "models/latent.py",
        "return torch.randn(num, self.size, generator=rng, device=rng.device)",
        "return 0 * torch.randn(num, self.size, generator=rng, device=rng.device)",
    ),
    Defect(
        "wrong reference split",
        "evaluation/generate.py",
        "data = other_split(spec.data, measure.reference.split)",
        'data = other_split(spec.data, "test")',
    ),
    Defect(
        "half the images",
        "evaluation/generate.py",
        "sample_blocks(sampler, measure.num_images,",
        "sample_blocks(sampler, measure.num_images // 2,",
    ),
    Defect(
        "noise factor",
        "sampling/restoration.py",
        "noise = self.noise_factor * self._noise(len(y), rng)",
        "noise = 0.9 * self._noise(len(y), rng)",
    ),
    Defect(
        "wrong extractor",
        "evaluation/generate.py",
        "Extractor(measure.reference.extractor, device=place.device)",
        'Extractor("fashion_mnist_cnn_v1", device=place.device)',
    ),
    Defect(
        "rate three times as high",
        "optim.py",
        'group["lr"] = self.rate(decay)',
        'group["lr"] = 3 * self.rate(decay)',
    ),
    Defect(
        "rate never falls",
        "optim.py",
        "return (1 + cos(pi * min(1.0, images / horizon_images))) / 2",
        "return 1.0",
    ),
    Defect(
        "last level never drawn",
        "training/draws.py",
        "level = torch.randint(self.num_levels, (num,), generator=rng, device=rng.device)",
        "level = torch.randint(self.num_levels - 1, (num,), generator=rng, device=rng.device)",
    ),
    Defect(
        "half of the training data",
        "build/data.py",
        "return load_images(kind=spec.kind, split=spec.split)",
        "return load_images(kind=spec.kind, split=spec.split)[::2]",
    ),
)


def main() -> None:
    """Plant, check and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--study", type=Path, default=ROOT / "studies" / "ci_fid.yaml")
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--baseline", type=Path, help="default: made by the code as it is")
    parser.add_argument("--only", nargs="*", help="names of defects; default: all")
    parser.add_argument("--store", type=Path, help="default: a temporary one")
    parser.add_argument("--set", action="append", default=[], help="a field of the study")
    options = parser.parse_args()
    chosen = [each for each in DEFECTS if not options.only or each.name in options.only]
    with tempfile.TemporaryDirectory() as name:
        gate = Gate(
            study=options.study.resolve(),  # a check runs in the folder of the defect
            profile=options.profile,
            baseline=(options.baseline or Path(name) / "baseline.json").resolve(),
            store=(options.store or Path(name) / "store").resolve(),
            changes=tuple(text for each in options.set for text in ("--set", each)),
        )
        if not options.baseline:
            gate.run(ROOT, "--update")
        gate.say("sound code", ROOT)
        for defect in chosen:
            with planted(defect) as root:
                gate.say(defect.name, root)
        gate.say("sound code again", ROOT)


@contextmanager
def planted(defect: Defect) -> Generator[Path]:
    """The root of a copy of the package that has the defect."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
        path = root / PACKAGE.name / defect.file
        text = path.read_text()
        if text.count(defect.sound) != 1:
            raise SystemExit(f"{defect.name}: found {text.count(defect.sound)} times in {path}")
        path.write_text(text.replace(defect.sound, defect.broken))
        yield root


@dataclass(frozen=True)
class Gate:
    """A study, the baseline that it is compared with, and the store that all checks share."""

    study: Path
    profile: str
    baseline: Path
    store: Path
    changes: tuple[str, ...]

    def run(self, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """`rgm-bench check` with the package at `root`."""
        return subprocess.run(
            [
                *(sys.executable, "-m", "rgm_bench", "check", str(self.study)),
                *("--profile", self.profile, "--baseline", str(self.baseline)),
                *("--store", str(self.store), *self.changes, *options),
            ],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
        )

    def say(self, name: str, root: Path) -> None:
        """Check the package at `root`, and print a line for it."""
        written = self.store.parent / "check.json"
        written.unlink(missing_ok=True)
        started = time.perf_counter()
        done = self.run(root, "--json", str(written))
        seconds = time.perf_counter() - started
        if not written.exists():
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            print(f"{name}: exit {done.returncode}, {seconds:.0f} s; {' '.join(last)}", flush=True)
            return
        record: dict[str, Any] = json.loads(written.read_text())
        print(
            f"{name}: exit {done.returncode}, {record['verdict']}, {seconds:.0f} s; "
            f"fingerprint {_fingerprint(record)}; {_numbers(record)}; {_moved(record)}",
            flush=True,
        )


def _fingerprint(record: dict[str, Any]) -> str:
    other = [each["arm"] for each in record["fingerprints"] if each["sameness"] == "other"]
    return f"other ({', '.join(other)})" if other else "same"


def _moved(record: dict[str, Any]) -> str:
    """Numbers whose seeds have other values, where the fingerprint is the same."""
    moved = sum("other values than in the baseline" in note for note in record["notes"])
    return f"a note on {moved} of {len(record['numbers'])} numbers"


def _numbers(record: dict[str, Any]) -> str:
    if record["differences"]:
        return "; ".join(record["differences"])
    return "; ".join(f"{each['name']} {each['ruling']}" for each in record["numbers"])


if __name__ == "__main__":
    main()
