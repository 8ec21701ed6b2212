"""Reads the published checkpoints into this project's networks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from rgm_bench.errors import DataError

Part = Literal["ema", "generator", "discriminator"]

_KEYS: Mapping[Part, tuple[str, ...]] = {
    "ema": ("ema", "netG_ema", "netG_dict", "state_dict_G"),
    "generator": ("netG_dict", "state_dict_G", "netG"),
    "discriminator": ("netD_dict", "state_dict_D", "netD"),
}
"""Names under which a checkpoint of a whole training may hold a network."""


def read_state(path: Path, part: Part) -> dict[str, Tensor]:
    """The parameters of one network in a checkpoint file, by their published names.

    Takes a file that is one network's parameters, or a training's dictionary that holds several;
    prefixes left by data parallel wrappers are removed. Nothing but tensors is unpickled.

    Args:
        path: a file written by `torch.save`.
        part: which network, when there are several.

    Raises:
        DataError: the file is not there, holds more than tensors, or no such network.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such checkpoint") from error
    except Exception as error:  # torch raises whatever unpickling ran into
        raise DataError(f"{path} is not a checkpoint of tensors only: {error}") from error
    state = _network_in(content, part)
    if state is None:
        found = (
            ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        )
        raise DataError(f"{path} holds no {part}; found: {found[:200]}")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def load_into(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give `network` the parameters of a checkpoint; names and shapes must match exactly.

    Buffers that the published code keeps beside its parameters (filter taps) are left out.

    Raises:
        DataError: a parameter is missing, left over or of another shape.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items() if _is_parameter(name)}
    wrong = [
        f"{name}: found {found.get(name, 'nothing')}, expected {expected.get(name, 'nothing')}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    if wrong:
        raise DataError(
            f"{len(wrong)} parameters do not fit the network, such as {wrong[0]}; "
            "check that its sizes are those of the checkpoint"
        )
    network.load_state_dict({name: state[name] for name in expected})


def _network_in(content: object, part: Part) -> Mapping[str, Tensor] | None:
    if not isinstance(content, dict):
        return None
    entries = cast("dict[str, Any]", content)
    if entries and all(isinstance(value, Tensor) for value in entries.values()):
        return entries
    for key in _KEYS[part]:
        if isinstance(entries.get(key), dict):
            return entries[key]
    return None


def _is_parameter(name: str) -> bool:
    return not name.endswith(("kernel", "fir_kernel", "sigmas"))
