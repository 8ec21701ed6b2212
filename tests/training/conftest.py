from collections.abc import Callable
from typing import Any

import pytest

from rgm_bench.config.spec import TrainingSpec

SpecOf = Callable[..., TrainingSpec]


@pytest.fixture
def tiny_spec() -> SpecOf:
    """Makes the spec of a training of digits that takes seconds; arguments replace fields."""

    def make(**fields: Any) -> TrainingSpec:
        return TrainingSpec.model_validate(TINY | fields)

    return make


TINY: dict[str, Any] = {
    "data": {"kind": "digits"},
    "method": {
        "kind": "rgm",
        "forward": {"kind": "noise", "num_levels": 4},
        "fidelity_weight": 0.05,
        "prior": {
            "kind": "kld",
            "discriminator": {"kind": "small", "base_channels": 2, "time_embedding": 8},
            "r1": {"weight": 0.02, "every_steps": 3},
            "learning_rate": 5e-4,
        },
    },
    "generator": {
        "kind": "ncsnpp",
        "base_channels": 8,
        "channel_multipliers": (1, 2),
        "blocks_per_level": 1,
        "attention_resolutions": (4,),
        "latent": {"kind": "gaussian", "size": 4, "embedding": 8, "layers": 1},
    },
    "optimizer": {
        "learning_rate": 5e-4,
        "betas": (0.5, 0.9),
        "decay": {"kind": "cosine", "horizon_images": 960, "final_learning_rate": 1e-5},
    },
    "ema": {"decay": 0.5},
    "images": 160,
    "batch_size": 16,
    "seed": 0,
}
