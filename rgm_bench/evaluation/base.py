"""What every kind of evaluation is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from rgm_bench.config.parts import NO_PARTS, Parts

Report = Callable[[int, int], None]
"""Told how many samples of how many are done."""


@dataclass(frozen=True)
class Place:
    """Where an evaluation runs and what surrounds it.

    Args:
        weights: the snapshot of a training; None for real data.
        references: the folder where features of reference images are kept.
        folder: the folder of this evaluation, for what it leaves beside its numbers.
        digest: of the code.
        device: where it runs.
        report: told how far it is.
        parts: classes of the user's own.
    """

    weights: Path | None
    references: Path
    folder: Path
    digest: str
    device: torch.device
    report: Report
    parts: Parts = NO_PARTS


@dataclass(frozen=True)
class Measured:
    """Metrics by their short names, and evaluations of the network for one sample.

    `network_evaluations` is 0 for what needs no network.
    """

    metrics: Mapping[str, float]
    network_evaluations: int
