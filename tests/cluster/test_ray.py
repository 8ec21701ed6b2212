"""A Ray cluster on three hosts, some of which are lost."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rgm_bench.results.journal import read_journal
from tests.cluster.conftest import require
from tests.cluster.network import Host, Network, network, wait_until

pytestmark = pytest.mark.cluster

STUDY = Path(__file__).with_name("points.yaml")
NUM_UNITS = 12
HEAD = "n1:6379"


class RayCluster:
    """A Ray node with one CPU on each host, the first of them its head."""

    def __init__(self, hosts: Network, folder: Path) -> None:
        self.hosts, self.store = hosts.hosts, folder / "results"
        self._folder = folder
        self._env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(),
        }
        node = ["ray", "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
        head = ["--head", "--port=6379", f"--node-ip-address={self.hosts[0].address}"]
        self._start(self.hosts[0], *node, *head, "--include-dashboard=false")
        for host in self.hosts[1:]:
            self._start(host, *node, f"--address={HEAD}")
        for number, host in enumerate(self.hosts):
            wait_until(
                lambda number=number: self._num_nodes() > number,
                seconds=180,
                what=f"Ray on {host.name}; see {folder}/*.log",
            )

    def run(self, host: Host, images: int) -> subprocess.Popen[bytes]:
        """A study that is driven from a host, in the middle of its trainings."""
        options = ["--profile", "smoke", "--set", f"training.images={images}"]
        command = ["rgm-bench", "run", str(STUDY), *options, "--store", str(self.store)]
        log = self._folder / "driver.log"
        return host.start(*command, "--address", HEAD, env=self._env, log=log)

    @property
    def said(self) -> str:
        """What the driver has printed."""
        return (self._folder / "driver.log").read_text()

    def units_on(self, host: Host) -> list[str]:
        """The units that a host works on."""
        found: list[str] = []
        for path in self.store.glob("leases/[!.]*.json"):
            try:
                lease = json.loads(path.read_text())
            except FileNotFoundError:
                continue
            found += [lease["id"]] if lease["host"] == host.name else []
        return found

    def _start(self, host: Host, *command: str) -> None:
        host.start(*command, env=self._env, log=self._folder / f"ray-{host.name}.log")

    def _num_nodes(self) -> int:
        said = subprocess.run(
            self.hosts[0].words("ray", "status", f"--address={HEAD}"),
            env=self._env,
            capture_output=True,
            text=True,
        ).stdout
        return len(re.findall(r"^ 1 node_", said.partition("Pending")[0], flags=re.MULTILINE))


@pytest.fixture
def ray(folder: Path) -> Iterator[tuple[RayCluster, Network]]:
    require("ip")
    with network(folder, "n1", "n2", "n3") as hosts:
        yield RayCluster(hosts, folder), hosts


def test_a_driver_whose_head_is_lost_ends_with_a_sentence(ray) -> None:
    cluster, _ = ray
    first, second, _ = cluster.hosts
    driver = cluster.run(second, images=1_024_000)
    wait_until(lambda: cluster.units_on(second), seconds=180, what=f"work: {cluster.said}")
    first.kill()
    lost = time.monotonic()
    assert driver.wait(timeout=90) == 6, cluster.said
    print(f"the driver ended {time.monotonic() - lost:.0f} s after the loss of its head")
    assert "incomplete: Ray's head lost with" in cluster.said
    assert "run again: rgm-bench run" in cluster.said


def test_a_host_whose_link_is_cut_costs_an_attempt_and_no_unit(ray) -> None:
    cluster, hosts = ray
    first, _, third = cluster.hosts
    driver = cluster.run(first, images=512_000)
    wait_until(lambda: cluster.units_on(third), seconds=180, what=f"work: {cluster.said}")
    hosts.cut(third)
    assert driver.wait(timeout=600) == 0, cluster.said
    results = [json.loads(path.read_text()) for path in cluster.store.glob("*/*/*/result.json")]
    assert len(results) == NUM_UNITS
    assert {result["status"] for result in results} == {"ok"}
    journal = read_journal(next(cluster.store.glob("studies/*/*/journal")))
    assert [event["kind"] for event in journal if event["event"] == "failed"] == ["node lost"]
