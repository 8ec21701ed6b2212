from dataclasses import replace
from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.config.study import StudySpec

SHIPPED = Path(__file__).parents[2] / "studies" / "lambda_sweep.yaml"


@pytest.fixture
def tiny_study() -> StudySpec:
    """Two trainings of 160 digits, a measurement of each, and the rows of real images."""
    return load_study(
        SHIPPED,
        profile="smoke",
        overrides=[
            "seeds=[0]",
            "axes.fidelity_weight.values=[0, 0.05]",
            "training.images=160",
            "training.batch_size=16",
            "training.generator.base_channels=8",
            "evaluations.generation.num_images=64",
        ],
    )


@pytest.fixture
def without_real(tiny_study: StudySpec) -> StudySpec:
    """The same without the rows of real images."""
    return replace(tiny_study, trials=tuple(t for t in tiny_study.trials if t.real is None))
