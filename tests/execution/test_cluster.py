"""A machine of a cluster that dies while it trains: three nodes, all of them on this machine."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from rgm_bench.config.load import load_study
from rgm_bench.results.journal import read_journal
from rgm_bench.results.lease import running
from rgm_bench.results.store import Store, View
from rgm_bench.session import bring_on

pytestmark = pytest.mark.slow

STUDY = Path(__file__).parents[2] / "studies" / "lambda_sweep.yaml"
OVERRIDES = (
    "seeds=[0]",
    "axes.fidelity_weight.values=[0, 0.05, 5]",
    "training.images=3200",
    "training.batch_size=16",
    "training.generator.base_channels=8",
    "evaluations.generation.num_images=64",
)
PATIENCE_SECONDS = 600


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    one_cpu = {"num_cpus": 1, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=one_cpu)
    try:
        for _ in range(2):
            made.add_node(num_cpus=1)
        yield made
    finally:
        made.shutdown()


def metrics(root: Path) -> dict[str, dict[str, float]]:
    found = sorted(root.glob("evaluations/*/*/result.json"))
    return {path.parent.parent.name: json.loads(path.read_text())["metrics"] for path in found}


def lose_a_node(cluster: Cluster, root: Path, lost: list[str]) -> None:
    """Kill the node of a training that has saved itself, but not the one of the cluster's head."""
    head = cluster.head_node.all_processes["raylet"][0].process.pid
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not lost:
        for progress in running(root / "leases"):
            saved = list(root.glob(f"trainings/{progress.id}/*/checkpoint.safetensors"))
            try:
                raylet = psutil.Process(progress.pid).ppid()
            except psutil.NoSuchProcess:
                continue
            if saved and raylet != head:
                node = next(
                    node
                    for node in cluster.worker_nodes
                    if node.all_processes["raylet"][0].process.pid == raylet
                )
                cluster.remove_node(node, allow_graceful=False)
                lost.append(progress.id)
                break
        time.sleep(0.1)


def test_a_node_that_dies_costs_one_attempt_and_no_bit(cluster, tmp_path) -> None:
    study = load_study(STUDY, profile="smoke", overrides=OVERRIDES)
    undisturbed, root = tmp_path / "undisturbed", tmp_path / "store"
    bring_on(study, View(Store(undisturbed)), executor="local")
    lost: list[str] = []
    killer = threading.Thread(target=lose_a_node, args=(cluster, root, lost), daemon=True)
    killer.start()
    summary = bring_on(study, View(Store(root)), address=cluster.address)
    killer.join()
    assert not summary.failed
    assert len(lost) == 1
    journal = list(read_journal(next(root.glob("studies/*/*/journal"))))
    kinds = {event["unit"]: event["kind"] for event in journal if event["event"] == "failed"}
    assert kinds[lost[0]] in ("node lost", "worker killed")
    assert metrics(root) == metrics(undisturbed)
    assert len(metrics(root)) == 5
