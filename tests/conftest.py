"""A made-up study and a folder of made-up results, for tests of what reads results."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, product
from math import exp, log10
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings
from PIL import Image

from rgm_bench.config.spec import (
    CosineDecaySpec,
    DigitsSpec,
    DiscriminatorSpec,
    EmaSpec,
    EvaluationSpec,
    GenerateSpec,
    KldPriorSpec,
    LatentSpec,
    NcsnppSpec,
    NoiseForwardSpec,
    OptimizerSpec,
    R1Spec,
    RealSplitSource,
    ReferenceSpec,
    RestorationSamplerSpec,
    RgmSpec,
    TrainingSource,
    TrainingSpec,
    canonical_json,
    spec_id,
)
from rgm_bench.config.study import (
    CurveItem,
    ReportItem,
    Resources,
    SamplesItem,
    StudySpec,
    TableItem,
    Trial,
)
from rgm_bench.results.schema import Outcome, UnitKind

if TYPE_CHECKING:
    from tests.object_store import ObjectStore

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as units compute; also in processes tests start

# a busy machine is no fault of what is tested
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


PROVENANCE = {
    "host": "somewhere",
    "platform": "Linux",
    "python": "3.11.7",
    "versions": {"torch": "2.15.0"},
    "device": "cpu",
    "device_name": "AMD EPYC",
    "cpu_capability": "AVX512",
    "threads": 1,
    "cpus": 2,
}
WEIGHTS = (0, 5e-4, 5e-3, 5e-2, 0.5, 5)
REPORT: tuple[ReportItem, ...] = (
    TableItem(
        kind="table",
        rows="fidelity_weight",
        columns=("paper_lambda", "fid", "inception_score", "kid", "flops", "seconds"),
    ),
    CurveItem(
        kind="curve", x="fidelity_weight", y="fid", scale="symlog", second_axis="paper_lambda"
    ),
    SamplesItem(kind="samples", over="fidelity_weight", images=16),
)


def training_spec(weight: float, seed: int) -> TrainingSpec:
    return TrainingSpec(
        data=DigitsSpec(kind="digits"),
        method=RgmSpec(
            kind="rgm",
            forward=NoiseForwardSpec(kind="noise", num_levels=4),
            fidelity_weight=weight,
            prior=KldPriorSpec(
                kind="kld",
                discriminator=DiscriminatorSpec(kind="small", base_channels=4, time_embedding=32),
                r1=R1Spec(weight=0.02, every_steps=15),
                learning_rate=5e-4,
            ),
        ),
        generator=NcsnppSpec(
            kind="ncsnpp",
            base_channels=16,
            channel_multipliers=(1, 2),
            blocks_per_level=1,
            attention_resolutions=(),
            latent=LatentSpec(kind="gaussian", size=16, embedding=32, layers=2),
        ),
        optimizer=OptimizerSpec(
            learning_rate=5e-4,
            betas=(0.5, 0.9),
            decay=CosineDecaySpec(kind="cosine", horizon_images=48_000, final_learning_rate=1e-5),
        ),
        ema=EmaSpec(decay=0.99),
        images=32_000,
        batch_size=64,
        seed=seed,
    )


def make_generated(weight: float, seed: int, share: float, *, n: int = 1437) -> Trial:
    spec = EvaluationSpec(
        source=TrainingSource(kind="training", training=training_spec(weight, seed), at=share),
        measure=GenerateSpec(
            kind="generate",
            sampler=RestorationSamplerSpec(kind="restoration"),
            num_images=n,
            reference=ReferenceSpec(extractor="digits_cnn_v1"),
        ),
        seed=seed,
    )
    return Trial({"fidelity_weight": weight}, seed, "generation", spec)


def real(split: str, seed: int, *, n: int = 1437) -> Trial:
    spec = EvaluationSpec(
        source=RealSplitSource.model_validate(
            {"kind": "real_split", "data": {"kind": "digits", "split": split}}
        ),
        measure=GenerateSpec(
            kind="generate",
            sampler=None,
            num_images=n,
            reference=ReferenceSpec(extractor="digits_cnn_v1"),
        ),
        seed=seed,
    )
    return Trial({}, seed, "generation", spec, "test" if split == "test" else "train")


def make_sweep(
    *,
    weights: Sequence[float] = WEIGHTS,
    seeds: Sequence[int] = (0, 1, 2),
    shares: Sequence[float] = (0.25, 0.5, 1.0),
    title: str = "FID against the weight of the fidelity term",
    report: tuple[ReportItem, ...] = REPORT,
) -> StudySpec:
    """The lambda sweep: every weight, seed and share, and real images of both splits."""
    trials = [make_generated(*values) for values in product(weights, seeds, shares)]
    trials += [real(split, seed) for split, seed in product(("train", "test"), seeds)]
    return StudySpec(
        name="lambda_sweep",
        title=title,
        profile="laptop",
        reproduces={"paper": "choi2023", "figure": 6},
        axes={"fidelity_weight": tuple(weights)},
        seeds=tuple(seeds),
        resources=Resources(),
        claims={},
        report=report,
        trials=tuple(trials),
        resolved={"grammar": 1, "name": "lambda_sweep", "title": title, "seeds": list(seeds)},
    )


class Folder:
    """Results of one version of the code in a folder, laid out as a store is."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _unit(self, kind: UnitKind, unit_id: str) -> Path:
        return self.root / f"{kind}s" / unit_id / "0123456789abcdef"

    def outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        path = self._unit(kind, unit_id) / "result.json"
        return Outcome(**json.loads(path.read_text())) if path.is_file() else None

    def curve(self, training_id: str) -> dict[str, list[float | None]] | None:
        path = self._unit("training", training_id) / "curve.json"
        return json.loads(path.read_text()) if path.is_file() else None

    def grid(self, evaluation_id: str) -> Path | None:
        path = self._unit("evaluation", evaluation_id) / "grid.png"
        return path if path.is_file() else None

    def points(self, evaluation_id: str) -> Path | None:
        path = self._unit("evaluation", evaluation_id) / "points.npy"
        return path if path.is_file() else None

    def write(self, outcome: Outcome) -> Path:
        folder = self._unit(outcome.kind, outcome.id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_text(json.dumps(outcome.to_json()))
        return folder

    def finish(self, trial: Trial, **scores: float) -> None:
        """Give a trial, and the training it measures, a result; scores by their short names."""
        made_up = _scores(trial) | scores
        suffix = f"{trial.spec.measure.space}.n{trial.spec.measure.count}"
        self._finish_training(trial)
        self.write(
            Outcome(
                kind="evaluation",
                id=trial.id,
                digest="0123456789abcdef",
                status="ok",
                reason=None,
                images=32_000,
                spec=json.loads(canonical_json(trial.spec)),
                metrics={f"{name}.{suffix}": value for name, value in made_up.items()},
                cost={"seconds": 2.5, "images_per_second": 575.0, "nfe": 4.0, "flops": 1.7e10},
                provenance=PROVENANCE,
            )
        )

    def lack(self, trial: Trial, metric: str, reason: str) -> None:
        """Have a finished trial give no number for a score, named in short."""
        outcome = self.outcome("evaluation", trial.id)
        assert outcome is not None
        (name,) = (each for each in outcome.metrics if each.startswith(f"{metric}."))
        metrics = {each: value for each, value in outcome.metrics.items() if each != name}
        self.write(replace(outcome, metrics=metrics, gaps={name: reason}))

    def diverge(self, trial: Trial) -> None:
        """End the training of a trial before its snapshot."""
        self._finish_training(trial, status="diverged")

    def draw(self, trial: Trial) -> None:
        """Give a finished trial its grid of 8 x 8 pictures of 8 x 8 pixels, each shown as 4 x 4."""
        rng = np.random.default_rng(trial.seed)
        pixels = rng.integers(0, 256, (64, 64), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        Image.fromarray(pixels).save(self._unit("evaluation", trial.id) / "grid.png")

    def _finish_training(self, trial: Trial, *, status: str = "ok") -> None:
        if not isinstance(trial.spec.source, TrainingSource):
            return
        training = trial.spec.source.training
        folder = self.write(
            Outcome(
                kind="training",
                id=spec_id(training),
                digest="0123456789abcdef",
                status="ok" if status == "ok" else "diverged",
                reason=None if status == "ok" else "the loss is not finite after 640 images",
                images=32_000 if status == "ok" else 640,
                spec=json.loads(canonical_json(training)),
                cost={
                    "seconds": 150.0 + training.seed,
                    "images_per_second": 213.0,
                    "flops": 4.2e13,
                    "peak_memory_bytes": 5e8,
                    "parameters_generator": 90_000,
                    "parameters_prior": 21_000,
                },
            )
        )
        (folder / "curve.json").write_text(json.dumps(_curve(training)))


def _scores(trial: Trial) -> dict[str, float]:
    rng = np.random.default_rng([trial.seed, int(trial.id[:8], 16)])
    if not isinstance(trial.spec.source, TrainingSource):
        if trial.real == "train":
            return {"fid": -1e-13, "inception_score": 9.66, "kid": -2e-5}
        return {"fid": 11.3 + rng.normal() / 9, "inception_score": 9.4, "kid": 0.002}
    weight = trial.spec.source.training.method.fidelity_weight
    away = (log10(weight or 3e-5) - log10(5e-2)) ** 2
    fid = 9.6 * exp(0.35 * away + 0.08 * rng.normal()) / trial.spec.source.at**0.8
    return {
        "fid": fid,
        "inception_score": 9.6 * exp(-0.05 * away + 0.02 * rng.normal()),
        "kid": fid / 4000 + 0.0004 * rng.normal(),
    }


def _curve(training: TrainingSpec) -> dict[str, list[float]]:
    rng = np.random.default_rng(training.seed)
    images = np.arange(640, 32_001, 640)
    noise = rng.normal(scale=0.03, size=(5, len(images)))
    weight = training.method.fidelity_weight
    return {
        "images": images.tolist(),
        "discriminator_loss": (1.1 + 0.2 * np.exp(-images / 5e3) + noise[0]).tolist(),
        "generator_loss": (0.4 + weight + np.exp(-images / 8e3) + noise[1]).tolist(),
        "fidelity": (30 / (1 + weight) + 90 * np.exp(-images / 4e3) + 30 * noise[2]).tolist(),
        "prior": (0.4 + 0.1 * log10(weight + 1e-3) + noise[3]).tolist(),
        "r1": (0.01 + 0.05 * np.exp(-images / 4e3) + 0.1 * noise[4] ** 2).tolist(),
        "learning_rate": (5e-4 * np.cos(images / 48_000)).tolist(),
    }


@pytest.fixture
def results(tmp_path: Path) -> Folder:
    """An empty folder of results."""
    return Folder(tmp_path / "store")


@pytest.fixture
def sweep() -> Callable[..., StudySpec]:
    """Makes the lambda sweep: see `make_sweep`."""
    return make_sweep


@pytest.fixture
def generated() -> Callable[..., Trial]:
    """Makes a trial of generated images: see `make_generated`."""
    return make_generated


@pytest.fixture(scope="session")
def object_store() -> "Iterator[ObjectStore]":
    """A server that speaks S3."""
    from tests.object_store import serving

    with serving() as server:
        yield server


_numbers = count()


@pytest.fixture
def bucket(object_store: "ObjectStore", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of its own that the environment leads to; its stores are copied into `tmp_path`."""
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RGM_BENCH_CACHE", str(tmp_path / "cache"))
    name = f"bucket-{next(_numbers)}"
    object_store.make_bucket(name)
    return name
