"""Checkpoints laid out as the published code saves them, and the trainings that they end."""

from pathlib import Path

import torch

from rgm_bench.config.spec import TrainingSpec
from tests.vectors import load, shapes_in, under


def small_training(sha256: str, **changes: object) -> TrainingSpec:
    """The training that the reference vectors of the 16-pixel generator would be the end of."""
    _, config = load("generator_16px")
    fields = {
        "data": {"kind": "natural_patches", "image_size": config["image_size"]},
        "method": {
            "kind": "imported",
            "forward": {"kind": "super_resolution", "num_levels": 7},
            "sha256": sha256,
        },
        "generator": {
            "kind": "ncsnpp",
            "base_channels": config["num_channels_dae"],
            "channel_multipliers": tuple(config["ch_mult"]),
            "blocks_per_level": config["num_res_blocks"],
            "attention_resolutions": tuple(config["attn_resolutions"]),
            "latent": {
                "kind": "gaussian",
                "size": config["nz"],
                "embedding": config["z_emb_dim"],
                "layers": config["n_mlp"],
            },
        },
        "optimizer": {
            "learning_rate": 1e-4,
            "betas": (0.5, 0.9),
            "decay": {"kind": "cosine", "horizon_images": 640, "final_learning_rate": 1e-5},
        },
        "ema": {"decay": 0.5},
        "images": 640,
        "batch_size": 64,
        "seed": 1024,
    }
    return TrainingSpec.model_validate(fields | changes)


def small_checkpoint(folder: Path) -> Path:
    """The generator of the reference vectors as the published loop saves its average."""
    tensors, _ = load("generator_16px")
    path = folder / "netG_1300.pth"
    state = under("state.", tensors)
    torch.save({f"module.{name}": value for name, value in state.items()}, path)
    return path


def full_checkpoint(folder: Path) -> Path:
    """Every parameter of the CIFAR-10 generator by its published name, as zeros."""
    path = folder / "netG_1000.pth"
    names, _ = shapes_in("generator_cifar10_state.txt")
    torch.save({f"module.{name}": torch.zeros(shape) for name, shape in names.items()}, path)
    return path
