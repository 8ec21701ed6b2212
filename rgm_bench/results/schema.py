"""What the store says of a finished unit of work: the text of its `result.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

UnitKind = Literal["training", "evaluation"]
Status = Literal["ok", "diverged"]


@dataclass(frozen=True)
class Outcome:
    """A training or an evaluation that ended: the store holds nothing else.

    `metrics` are the same bits whenever the same spec runs on the same kind of device; `cost`
    (seconds, cpus and gpus that it was given, images_per_second, flops, nfe, peak_memory_bytes,
    each where it applies) is what this run of it took. `images` counts what the training had seen:
    fewer than all where nothing needed the rest. `reason` is set when diverged. `gaps` says of each
    metric or cost that is not a finite number why, and only the others are in `metrics` and `cost`.
    `files` has the sha256 of each file beside the result that something is read from, `weights`
    that of the snapshot which an evaluation measured. `is_sealed` is False for what was written
    before results had a seal, whose files may then have no digest either.
    """

    kind: UnitKind
    id: str
    digest: str
    status: Status
    reason: str | None
    images: int
    spec: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    cost: Mapping[str, float] = field(default_factory=dict[str, float])
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    gaps: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    weights: str | None = None
    is_sealed: bool = field(default=True, compare=False)

    @property
    def is_part(self) -> bool:
        """Whether this is a training that stopped early, to be gone on with if need be."""
        return self.kind == "training" and self.status == "ok" and self.images < self.spec["images"]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `gaps` only where there are some."""
        left_out = {"is_sealed"} if self.gaps else {"is_sealed", "gaps"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}
