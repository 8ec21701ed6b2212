"""All that a training needs to go on, as one file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rgm_bench import sealed_tensors
from rgm_bench.errors import DamagedError


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name, and what goes beside them as plain JSON values."""

    tensors: Mapping[str, Tensor]
    notes: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """The content of a safetensors file."""
        return sealed_tensors.to_bytes(self.tensors, "notes", json.dumps(self.notes))

    @classmethod
    def read(cls, path: Path, device: torch.device) -> "Checkpoint | None":
        """The checkpoint at `path`, or None if there is none.

        Raises:
            DamagedError: the file is not as it was written, or is no checkpoint.
        """
        try:
            tensors, text = sealed_tensors.read(path, "notes")
            notes = json.loads(text)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DamagedError(path, f"its notes are no JSON ({error})") from error
        return cls({name: tensor.to(device) for name, tensor in tensors.items()}, notes)
