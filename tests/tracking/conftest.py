"""A small study and a store in memory, in the format of the real one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from PIL import Image

from rgm_bench.config.spec import EvaluationSpec, TrainingSpec
from rgm_bench.config.study import Resources, StudySpec, Trial
from rgm_bench.results.schema import Outcome, UnitKind

SHARES = (0.5, 1.0)
WEIGHTS = (0.0, 0.05)
SEEDS = (0, 1)
FID = "fid.digits_cnn_v1.n64"


def training(*, weight: float, seed: int) -> TrainingSpec:
    return TrainingSpec.model_validate_json(
        f"""{{
        "data": {{"kind": "digits"}},
        "method": {{
            "kind": "rgm",
            "forward": {{"kind": "noise", "num_levels": 4}},
            "fidelity_weight": {weight},
            "prior": {{
                "kind": "kld",
                "discriminator": {{"kind": "small", "base_channels": 4, "time_embedding": 32}},
                "r1": {{"weight": 0.02, "every_steps": 15}},
                "learning_rate": 5e-4
            }}
        }},
        "generator": {{
            "kind": "ncsnpp", "base_channels": 16, "channel_multipliers": [1, 2],
            "blocks_per_level": 1, "attention_resolutions": [],
            "latent": {{"kind": "gaussian", "size": 16, "embedding": 32, "layers": 2}}
        }},
        "optimizer": {{
            "learning_rate": 5e-4, "betas": [0.5, 0.9],
            "decay": {{"kind": "cosine", "horizon_images": 640, "final_learning_rate": 1e-5}}
        }},
        "ema": {{"decay": 0.5}}, "images": 640, "batch_size": 64, "seed": {seed}
        }}"""
    )


def evaluation(source: dict[str, Any], *, seed: int) -> EvaluationSpec:
    generates = source["kind"] == "training"
    return EvaluationSpec.model_validate(
        {
            "source": source,
            "measure": {
                "kind": "generate",
                "sampler": {"kind": "restoration"} if generates else None,
                "num_images": 64,
                "reference": {"extractor": "digits_cnn_v1"},
            },
            "seed": seed,
        }
    )


def trials() -> tuple[Trial, ...]:
    generated = tuple(
        Trial(
            labels={"fidelity_weight": weight},
            seed=seed,
            evaluation="generation",
            spec=evaluation(
                {"kind": "training", "training": training(weight=weight, seed=seed), "at": at},
                seed=seed,
            ),
        )
        for weight in WEIGHTS
        for seed in SEEDS
        for at in SHARES
    )
    real = Trial(
        labels={},
        seed=0,
        evaluation="generation",
        spec=evaluation({"kind": "real_split", "data": {"kind": "digits"}}, seed=0),
        real="train",
    )
    return (*generated, real)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables: MLflow takes seconds to make one."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def study() -> StudySpec:
    return StudySpec(
        name="sweep",
        title="FID against a weight",
        profile="smoke",
        reproduces={},
        axes={"fidelity_weight": WEIGHTS},
        seeds=SEEDS,
        resources=Resources(),
        claims={},
        report=(),
        trials=trials(),
        resolved={},
    )


@dataclass(frozen=True)
class FakeStore:
    root: Path

    def study_folder(self, study: StudySpec) -> Path:
        return self.root / "studies" / study.name / study.profile


@dataclass
class FakeView:
    """What the store holds, set by the test: `finish` adds a unit, `digest` is its code's."""

    store: FakeStore
    digest: str = "c0de"
    outcomes: dict[tuple[UnitKind, str], Outcome] = field(default_factory=dict)

    def outcome(self, kind: UnitKind, unit_id: str) -> Outcome | None:
        return self.outcomes.get((kind, unit_id))

    def curve(self, training_id: str) -> dict[str, list[float | None]] | None:
        if ("training", training_id) not in self.outcomes:
            return None
        return {"images": [320, 640], "generator_loss": [2.0, 1.0], "prior": [None, 0.5]}

    def grid(self, evaluation_id: str) -> Path | None:
        if ("evaluation", evaluation_id) not in self.outcomes:
            return None
        path = self.store.root / f"{evaluation_id}.png"
        Image.new("L", (64, 64), color=int(evaluation_id[:2], 16)).save(path)
        return path

    def finish(self, *trials: Trial, diverged: str | None = None) -> None:
        for trial in trials:
            if trial.training_id is not None:
                self._add("training", trial.training_id, {}, diverged)
            self._add("evaluation", trial.id, {FID: fid_of(trial)}, diverged)

    def _add(
        self, kind: UnitKind, unit_id: str, metrics: dict[str, float], diverged: str | None
    ) -> None:
        self.outcomes[kind, unit_id] = Outcome(
            kind=kind,
            id=unit_id,
            digest=self.digest,
            status="diverged" if diverged else "ok",
            reason=diverged,
            images=640 if kind == "training" else 0,
            spec={},
            metrics=metrics,
            cost={"seconds": 2.0},
        )


def fid_of(trial: Trial) -> float:
    """A score of its own for every trial."""
    return int(trial.id[:4], 16) / 100


@pytest.fixture
def view(tmp_path: Path) -> FakeView:
    return FakeView(FakeStore(tmp_path))
