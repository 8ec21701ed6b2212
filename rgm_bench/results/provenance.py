"""Where a result was made: versions, machine, device and the settings that change last bits."""

import os
import platform
import re
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("rgm-bench", "torch", "torchvision", "torch-fidelity", "numpy", "scikit-learn")


def provenance(device: str) -> dict[str, Any]:
    """What this process runs on, as plain JSON values.

    Args:
        device: `cpu` or `cuda`.
    """
    import torch

    name = _cpu_name()
    if device == "cuda":
        name = torch.cuda.get_device_name()
    return {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {library: version(library) for library in LIBRARIES},
        "torch_build": torch.__version__,
        "device": device,
        "device_name": name,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
    }


def _cpu_name() -> str:
    """What Linux calls the processor; elsewhere what Python does."""
    described = Path("/proc/cpuinfo")
    found = (
        re.search(r"^model name\s*: (.+)$", described.read_text(), re.M)
        if described.is_file()
        else None
    )
    return found[1] if found else platform.processor() or platform.machine()
