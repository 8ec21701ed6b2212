"""Files of tensors that prove themselves: safetensors with one line of text and a seal beside it.

The seal is the sha256 of all else in the file. Against bits that flip and files that are cut, not
against forgers; that a file is the one that was meant, its reader sees by the text.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from rgm_bench.errors import DamagedError


def to_bytes(tensors: Mapping[str, Tensor], name: str, text: str) -> bytes:
    """The content of a file.

    Args:
        tensors: by name.
        name: what the metadata call the text: one entry, since several have no fixed order.
        text: a line that says what the tensors are.
    """
    kept = {key: tensor.contiguous().cpu() for key, tensor in tensors.items()}
    return save(kept, metadata={name: f"{text}\n{_seal(kept, text)}"})


def read(path: Path, name: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of a file, on the CPU, and its text. One without a seal is read as it is.

    Raises:
        DamagedError: the file is not as it was written.
        FileNotFoundError: there is none.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no dict
            metadata = file.metadata() or {}
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError, SafetensorError) as error:
        raise DamagedError(path, f"not readable as tensors ({error})") from error
    if name not in metadata:
        raise DamagedError(path, f"its metadata have no {name!r}")
    text, _, seal = metadata[name].partition("\n")
    if seal not in ("", _seal(tensors, text)):
        raise DamagedError(path, "its tensors are not what its seal was made of")
    return tensors, text


def _seal(tensors: Mapping[str, Tensor], text: str) -> str:
    found = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
