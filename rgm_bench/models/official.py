"""Reads the published checkpoints into this project's networks.

The published training writes two kinds of files: the averaged weights of the generator alone, and
all that a training needs to go on, where the average lies in the optimizer's state.
"""

import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from rgm_bench.errors import DataError

Part = Literal["ema", "generator", "discriminator"]

_KEYS: Mapping[Part, tuple[str, ...]] = {
    "ema": ("ema", "netG_ema"),
    "generator": ("netG_dict", "state_dict_G", "netG"),
    "discriminator": ("netD_dict", "state_dict_D", "netD"),
}
"""Names under which a checkpoint of a whole training may hold a network."""

_WRAPPERS = re.compile(r"^(module\.|_orig_mod\.)+")
"""What data parallel wrappers and `torch.compile` put before the names of parameters."""

_OPTIMIZER = "optimizerG"
"""Where a checkpoint of a whole training keeps the generator's optimizer, and its average."""


def read_state(path: Path, part: Part) -> dict[str, Tensor]:
    """The parameters of one network in a checkpoint file, by their published names.

    Takes a file that is one network's parameters, or a training's dictionary that holds several;
    prefixes left by data parallel wrappers and by `torch.compile` are removed. Nothing is unpickled
    but tensors, plain values and the options of a training.

    Args:
        path: a file written by `torch.save`.
        part: which network, when there are several. `ema` is the averaged generator; of a training
            that kept no average, the generator as it was.

    Raises:
        DataError: the file is not there, holds more than tensors, or no such network.
    """
    content = _load(path)
    state = _network_in(content, part)
    if state is None:
        found = (
            ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        )
        raise DataError(f"{path} holds no {part}; found: {found[:200]}")
    return {_WRAPPERS.sub("", name): tensor for name, tensor in state.items()}


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
        for name in dict.fromkeys((*expected, *found))
        if expected.get(name) != found.get(name)
    ]
    if wrong:
        raise DataError(
            f"{len(wrong)} parameters do not fit the network, such as {wrong[0]}; "
            "check that its sizes are those of the checkpoint"
        )
    network.load_state_dict({name: state[name] for name in expected})


def _load(path: Path) -> object:
    try:
        # a whole training's checkpoint holds its command line's options, which are plain values
        with torch.serialization.safe_globals([Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such checkpoint") from error
    except Exception as error:  # torch raises whatever unpickling ran into
        raise DataError(f"{path} is not a checkpoint of tensors only: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Why torch refused a file, without its advice to open it unrestricted."""
    wanted = re.search(r"GLOBAL (\S+) was not an allowed global", str(error))
    if wanted:
        return f"it would run {wanted[1]}, so it was not opened"
    return "it is of another format, or cut off"


def _network_in(content: object, part: Part) -> Mapping[str, Tensor] | None:
    if not isinstance(content, dict):
        return None
    entries = cast("dict[str, Any]", content)
    if entries and all(isinstance(value, Tensor) for value in entries.values()):
        return entries
    found = next((entries[k] for k in _KEYS[part] if isinstance(entries.get(k), dict)), None)
    if found is not None or part != "ema":
        return found
    generator = _network_in(entries, "generator")
    return generator and dict(_averaged(generator, entries.get(_OPTIMIZER)))


def _averaged(
    generator: Mapping[str, Tensor], optimizer: Mapping[str, Any] | None
) -> Iterator[tuple[str, Tensor]]:
    """Parameters with the averages that an optimizer keeps of them, by their order.

    A parameter that never had a gradient has no average, and never moved.
    """
    states: Mapping[int, Mapping[str, Tensor]] = (optimizer or {}).get("state", {})
    names = [name for name in generator if _is_parameter(name)]
    for index, name in enumerate(names):
        yield name, states.get(index, {}).get("ema", generator[name])


def _is_parameter(name: str) -> bool:
    return not name.endswith(("kernel", "fir_kernel", "sigmas"))
