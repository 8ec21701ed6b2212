"""A trained network from the store, ready to be sampled."""

from pathlib import Path

import torch

from rgm_bench.build.networks import build_generator
from rgm_bench.config.spec import TrainingSpec
from rgm_bench.errors import DamagedError
from rgm_bench.training.checkpoint import Checkpoint


def load_generator(spec: TrainingSpec, weights: Path, device: torch.device) -> torch.nn.Module:
    """The generator of a training with the weights of a snapshot.

    Raises:
        DamagedError: the snapshot is missing, or is not as it was written.
    """
    snapshot = Checkpoint.read(weights, device)
    if snapshot is None:
        raise DamagedError(weights, "it is missing")
    network = build_generator(spec.generator, spec.data.event_shape)
    try:
        network.load_state_dict(dict(snapshot.tensors))
    except RuntimeError as error:  # which lists every tensor
        raise DamagedError(weights, "its tensors are not those of the network") from error
    return network.to(device).eval().requires_grad_(False)
