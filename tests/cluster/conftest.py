"""Slurm on two hosts, with a folder that both see."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.network import Network, network
from tests.cluster.slurm import Slurm

PACKAGES = {
    "ip": "iproute2",
    "munged": "munge",
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "sbatch": "slurm-wlm",
}
"""The Debian package of each command that the tests need."""


def require(*commands: str) -> None:
    """Skip the test unless it may make namespaces, and these commands are there."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for network namespaces")
    missing = sorted({PACKAGES[command] for command in commands if shutil.which(command) is None})
    if missing:
        pytest.skip(f"needs the Debian packages {', '.join(missing)}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that all hosts see, with a path that is short enough for sockets in it."""
    made = Path(tempfile.mkdtemp(prefix="rgm-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def hosts(folder: Path) -> Iterator[Network]:
    """Two hosts, n1 and n2."""
    require("ip")
    with network(folder, "n1", "n2") as made:
        yield made


@pytest.fixture
def slurm(folder: Path, hosts: Network) -> Slurm:
    """Slurm with both hosts as nodes."""
    require("munged", "slurmctld", "slurmd", "sbatch")
    made = Slurm(hosts, folder)
    made.start()
    return made
