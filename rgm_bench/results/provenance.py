"""Where a result was made: versions, machine, device and the settings that change last bits."""

import platform
import socket
from importlib.metadata import version
from typing import Any

LIBRARIES = ("rgm-bench", "torch", "torchvision", "torch-fidelity", "numpy", "scikit-learn")


def provenance(device: str) -> dict[str, Any]:
    """What this process runs on, as plain JSON values.

    Args:
        device: `cpu` or `cuda`.
    """
    import torch

    name = platform.processor() or platform.machine()
    if device == "cuda":
        name = torch.cuda.get_device_name()
    return {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in LIBRARIES},
        "device": device,
        "device_name": name,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
