"""The device of a unit, and the settings under which equal specs give equal bits on it."""

import os

import torch
from threadpoolctl import threadpool_limits

from rgm_bench.environment import forget_empty
from rgm_bench.errors import UserError


def take_device(gpus: float) -> torch.device:
    """The device for a unit that was given `gpus` GPUs, with this process set up for it.

    A unit computes in one thread whatever runs it: sums are split by threads, and their last bits
    with them.

    Raises:
        UserError: a GPU was asked for and there is none.
    """
    torch.set_num_threads(1)
    threadpool_limits(1)  # of numpy and scipy, which torch-fidelity computes FID with
    if not gpus:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(
            "the study's resources ask for a GPU and torch finds none; "
            "use another profile, or `--set resources.gpus=0`"
        )
    forget_empty("CUBLAS_")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda")
