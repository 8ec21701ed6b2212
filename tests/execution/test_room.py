"""Room on a cluster: counted for each node and card, while nodes come and go."""

import time
from collections.abc import Iterator

import pytest
from ray.cluster_utils import Cluster

from rgm_bench.errors import UserError
from rgm_bench.execution import ray as ray_executor
from rgm_bench.execution.base import Attempt, ShouldStop, Unit
from rgm_bench.execution.ray import RayExecutor
from rgm_bench.execution.room import Machine, num_fitting, why_no_room

GPU_NODE = Machine(cpus=8, gpus=2)


@pytest.mark.parametrize(
    ("machines", "cpus", "gpus", "expected"),
    [
        ([Machine(2, 0)] * 4, 4, 0, 0),  # eight CPUs in all, and nowhere four
        ([Machine(2, 0)] * 4, 2, 0, 4),
        ([Machine(3, 0)] * 4, 2, 0, 4),  # not six
        ([Machine(0, 0), Machine(4, 0)], 0.5, 0, 8),  # a head that is to run nothing
        ([GPU_NODE], 1, 0.6, 2),  # 1.2 of two cards would be left, and on none of them 0.6
        ([GPU_NODE] * 2, 1, 0.1, 16),
        ([Machine(64, 2)], 1, 0.1, 20),
        ([Machine(64, 1)], 1, 0.2, 5),
        ([GPU_NODE, Machine(64, 0)], 1, 1, 2),
        ([GPU_NODE, Machine(64, 0)], 5, 1, 1),
        ([], 1, 0, 0),
    ],
)
def test_a_process_takes_all_from_one_node_and_one_card(machines, cpus, gpus, expected) -> None:
    assert num_fitting(machines, cpus=cpus, gpus=gpus) == expected


def test_why_there_is_no_room_names_the_node_that_is_largest_in_what_is_scarce() -> None:
    machines = [Machine(64, 0), GPU_NODE, Machine(4, 2)]
    with_gpu = why_no_room(machines, cpus=100, gpus=1, processes=1)
    assert with_gpu is not None
    assert f"has {GPU_NODE}" in with_gpu
    without = why_no_room(machines, cpus=100, gpus=0, processes=1)
    assert without is not None
    assert "has 64 CPUs and 0 GPUs" in without
    assert why_no_room(machines, cpus=64, gpus=0, processes=1) is None


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes with a CPU each, both of them on this machine."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        made.add_node(num_cpus=1)
        yield made
    finally:
        made.shutdown()


def until(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while True:
        assert time.monotonic() < deadline
        yield


def hold(unit: Unit, should_stop: ShouldStop) -> Attempt:
    while not should_stop():
        time.sleep(0.05)
    return Attempt(unit.id, "stopped", 0.0)


@pytest.mark.process
def test_nodes_that_join_and_leave_change_the_room(cluster, monkeypatch) -> None:
    monkeypatch.setattr(ray_executor, "ROOM_SECONDS", 0.1)
    with pytest.raises(UserError, match="largest of 2 Ray nodes has 1 CPUs and 0 GPUs"):
        RayExecutor(hold, cpus=2, address=cluster.address)
    executor = RayExecutor(hold, cpus=1, address=cluster.address)
    try:
        assert executor.slots == 2
        executor.submit(Unit("training", "a" * 16, {}))
        joined = cluster.add_node(num_cpus=3)
        for _ in until(120):
            executor.wait(0.2)
            if executor.slots == 5:
                break
        cluster.remove_node(joined)
        for _ in until(120):
            executor.wait(0.2)
            if executor.slots == 2:
                break
    finally:
        executor.close()


@pytest.mark.process
def test_processes_that_share_a_training_work_and_those_that_wait_do_not() -> None:
    executor = RayExecutor(hold, processes=2, workers=4)
    try:
        for number, working in enumerate([2, 4, 4]):
            executor.submit(Unit("training", f"{number:016x}", {}))
            assert executor.num_at_work == working
        executor.submit(Unit("evaluation", "e" * 16, {}))
        assert executor.num_at_work == 4
    finally:
        executor.close()
