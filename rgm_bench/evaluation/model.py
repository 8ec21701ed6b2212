"""A trained network from the store, ready to be sampled."""

from pathlib import Path

import torch

from rgm_bench.build.networks import build_generator
from rgm_bench.config.spec import TrainingSpec
from rgm_bench.errors import StoreError
from rgm_bench.training.checkpoint import Checkpoint


def load_generator(spec: TrainingSpec, weights: Path, device: torch.device) -> torch.nn.Module:
    """The generator of a training with the weights of a snapshot.

    Raises:
        StoreError: the snapshot is missing or cut off.
    """
    snapshot = Checkpoint.read(weights, device)
    if snapshot is None:
        raise StoreError(
            f"{weights} is missing or cut off; `rgm-bench retry STUDY ID` with the id of its "
            "training trains it again"
        )
    network = build_generator(spec.generator, spec.data.event_shape)
    network.load_state_dict(dict(snapshot.tensors))
    return network.to(device).eval().requires_grad_(False)
