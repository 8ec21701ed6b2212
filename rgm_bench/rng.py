"""Where randomness comes from: generators seeded by what they are for, never a global state.

A step of training and a block of samples each have a generator of their own, so a resumed run
draws what the unbroken one would have drawn and nothing depends on who ran before.
"""

import hashlib

import torch


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, unrelated to that of any other purpose.

    Args:
        seed: the seed of the training or of the evaluation.
        purpose: what it is for, such as `("step", images_seen)`.
    """
    text = "/".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(device: torch.device, seed: int, *purpose: str | int) -> torch.Generator:
    """A generator on `device` for one purpose.

    The streams of a CPU and of a GPU differ: equal bits are promised on the same kind of device.
    """
    return torch.Generator(device).manual_seed(derive_seed(seed, *purpose))
