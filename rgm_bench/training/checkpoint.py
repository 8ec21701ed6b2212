"""All that a training needs to go on, as one file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and what goes beside them as plain JSON values."""

    tensors: Mapping[str, Tensor]
    notes: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """The content of a safetensors file."""
        tensors = {name: tensor.contiguous().cpu() for name, tensor in self.tensors.items()}
        return save(tensors, metadata={"notes": json.dumps(self.notes)})

    @classmethod
    def read(cls, path: Path, device: torch.device) -> "Checkpoint | None":
        """The checkpoint at `path`, or None if there is none that can be read."""
        if not path.exists():
            return None
        try:
            with safe_open(path, "pt", device=str(device)) as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
                return cls(tensors, json.loads(file.metadata()["notes"]))
        except SafetensorError:  # cut off by a disk that lost what it had promised
            return None
