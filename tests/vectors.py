"""Reference vectors: tensors that the published code computed, and how far ours are from them."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from safetensors import safe_open
from torch import Tensor

from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.ncsnpp import Ncsnpp

DATA = Path(__file__).parent / "data"

Differences: TypeAlias = dict[str, float]
"""How far we are from what was published, by what is compared."""


@cache
def load(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file and the configuration that they were computed with."""
    with safe_open(DATA / f"{name}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return tensors, json.loads((file.metadata() or {}).get("config", "{}"))


@contextmanager
def two_threads() -> Iterator[None]:
    """The number of threads that the published code ran with, for the files of discriminators.

    One image of `discriminator_small` lies on a kink of a leaky ReLU: rounding decides on which
    side, and with it about 1 % of that image's gradient. One thread sums in another order.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def published_generator(config: dict[str, Any]) -> Ncsnpp:
    """Our generator in the sizes that a file was computed with."""
    return Ncsnpp(
        image_shape=(config["num_channels"], config["image_size"], config["image_size"]),
        base_channels=config["num_channels_dae"],
        channel_multipliers=config["ch_mult"],
        blocks_per_level=config["num_res_blocks"],
        attention_resolutions=config["attn_resolutions"],
        latent_size=config["nz"],
        latent_embedding=config["z_emb_dim"],
        latent_layers=config["n_mlp"],
        output="tanh",
    )


def published_discriminator(
    config: dict[str, Any], size: Literal["small", "large"]
) -> Discriminator:
    """Our discriminator in the sizes that a file was computed with."""
    return Discriminator(
        size=size,
        image_channels=config.get("nc", 3),
        base_channels=config["ngf"],
        time_embedding=config["t_emb_dim"],
    )


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v.clone() for k, v in tensors.items() if k.startswith(prefix)}


def difference(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest expected entry; not-a-number never passes."""
    assert found.shape == expected.shape
    assert torch.isfinite(expected).all()
    assert torch.isfinite(found).all()
    scale = expected.abs().max().item() or 1.0
    return (found - expected).abs().max().item() / scale


def largest(many: Iterable[Differences]) -> Differences:
    """The largest difference of each name."""
    found: Differences = {}
    for differences in many:
        for name, value in differences.items():
            found[name] = max(value, found.get(name, 0.0))
    return found


def shapes_in(name: str) -> tuple[dict[str, tuple[int, ...]], int]:
    """Every parameter name and shape of a list, and its count of parameters."""
    shapes: dict[str, tuple[int, ...]] = {}
    total = 0
    for line in (DATA / name).read_text().splitlines():
        if line.startswith("#"):
            total = int(line.rsplit(" ", 1)[1])
        else:
            parameter, sizes = line.split(" ", 1)
            shapes[parameter] = tuple(int(size) for size in sizes.strip("()").split(",") if size)
    return shapes, total
