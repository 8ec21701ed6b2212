"""Units as tasks of Ray Core, on this machine or on a cluster."""

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, final

# telemetry is off unless its user turns it on; both are read when Ray is imported
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# Ray ends a process that has lost the head for so long, without a word; LOST_SECONDS comes first
os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "120")

import ray
from ray.exceptions import RayError, TaskCancelledError
from ray.runtime_env import RuntimeEnv

from rgm_bench.errors import UserError
from rgm_bench.execution.base import Attempt, Executor, HeadLostError, Perform, Unit
from rgm_bench.execution.failures import kind_of
from rgm_bench.execution.ray_start import Imports, OwnToken, require_loopback, start_advice
from rgm_bench.execution.room import Machine, num_fitting, why_no_room

ROOM_SECONDS = 5.0
"""How often the nodes of the cluster are counted: some come later, and some go."""

LOST_SECONDS = 40.0
"""Silence of Ray's head after which it counts as lost."""

JOIN_SECONDS = 60.0
"""How long a training that several processes share waits for nodes that have yet to join."""


@final
class RayExecutor(Executor):
    """One Ray task a unit, in workers that stay warm.

    Ray tries nothing again by itself: attempts are counted by the driver. A task takes whole
    resources, so Ray never runs more units than fit. Nodes that join later are used, and those
    that have gone are not counted.

    A training that several processes share is a task without resources of its own, which starts
    them and waits. No more of these run than fit, so that none holds what another waits for.

    Args:
        perform: carries out one unit.
        cpus: of one unit, or of one process of a training.
        gpus: of one unit, or of one process; a fraction lets several share a card.
        processes: that share a training; `perform` starts them.
        workers: CPUs to start Ray with on this machine; None takes all.
        address: of a running cluster; None starts Ray on this machine alone.
        runtime_env: what Ray sets up for the workers, in its own words.

    Raises:
        UserError: there is no cluster at `address`, Ray cannot start here or read `runtime_env`, or
            not one unit fits on any of its nodes.
    """

    def __init__(
        self,
        perform: Perform,
        *,
        cpus: float = 1,
        gpus: float = 0,
        processes: int = 1,
        workers: int | None = None,
        address: str | None = None,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        self._token = OwnToken()
        if address is None:
            require_loopback()
            self._token.give()
        try:
            _start(address, workers, runtime_env)
        except UserError:
            ray.shutdown()
            self._token.take_back()
            raise
        self._perform = ray.put(perform)
        self._run = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_run)
        self._run_shared = ray.remote(num_cpus=0, max_retries=0)(_run)
        self._running: dict[Any, Unit] = {}
        self._waiting: deque[Unit] = deque()
        self._taken_back: list[Attempt] = []
        self._stopping = False
        self._cpus, self._gpus, self._processes = cpus, gpus, processes
        self._head = _Head()
        self._count_room()
        until = time.monotonic() + JOIN_SECONDS
        while address and 0 < self.slots < processes and time.monotonic() < until:
            time.sleep(1)
            self._count_room()
        why = why_no_room(self._head.machines, cpus=cpus, gpus=gpus, processes=processes)
        if why is not None:
            self._leave()
            raise UserError(why)

    @property
    def num_at_work(self) -> int:
        """Processes that work now; of units that Ray holds ready, only as many as fit."""
        shared = self._num_shared()
        alone = len(self._running) - shared
        return min(self.slots, shared * self._processes + alone)

    def submit(self, unit: Unit) -> None:
        """Hand a unit to Ray; one that several processes share, as soon as there is room."""
        if self._is_shared(unit):
            self._waiting.append(unit)
            self._start_shared()
        else:
            self._running[self._run.remote(self._perform, unit)] = unit

    def wait(self, seconds: float) -> list[Attempt]:
        """The attempts that ended, worker deaths among them.

        Raises:
            HeadLostError: Ray's head has been silent for too long.
        """
        if self._head.is_lost:
            raise HeadLostError
        self._count_room()
        self._start_shared()
        if self._taken_back or not self._running:
            if self._waiting:  # the nodes that they would fit on have gone, and others may come
                time.sleep(min(seconds, ROOM_SECONDS))
            back, self._taken_back = self._taken_back, []
            return back
        running = list(self._running)
        done, _ = ray.wait(running, num_returns=1, timeout=seconds)
        more, _ = ray.wait(running, num_returns=len(running), timeout=0)
        ended = [self._take(reference) for reference in dict.fromkeys([*done, *more])]
        self._start_shared()
        return ended

    def stop(self) -> None:
        """Ask the units that run to stop, wherever they do, and take back those that wait.

        Processes that share a training end with the task that waits for them, and go on from their
        last checkpoint.
        """
        self._stopping = True
        self._taken_back = [Attempt(unit.id, "stopped", 0.0) for unit in self._waiting]
        self._waiting.clear()
        for reference in self._running:
            ray.cancel(reference, force=False)

    def close(self) -> None:
        """Cancel what runs and leave Ray; a Ray that was started here ends with its workers."""
        for reference in self._running:
            ray.cancel(reference, force=True)
        self._running.clear()
        self._waiting.clear()
        self._leave()

    def _leave(self) -> None:
        self._head.leave()
        self._token.take_back()

    def _count_room(self) -> None:
        self.slots = num_fitting(self._head.machines, cpus=self._cpus, gpus=self._gpus)

    def _is_shared(self, unit: Unit) -> bool:
        return self._processes > 1 and unit.kind == "training"

    def _num_shared(self) -> int:
        return sum(self._is_shared(unit) for unit in self._running.values())

    def _start_shared(self) -> None:
        room = self.slots // self._processes - self._num_shared()
        for _ in range(min(room, len(self._waiting))):
            unit = self._waiting.popleft()
            self._running[self._run_shared.remote(self._perform, unit)] = unit

    def _take(self, reference: Any) -> Attempt:
        unit = self._running.pop(reference)
        try:
            attempt: Attempt = ray.get(reference)
            was_stopped = self._stopping and self._is_shared(unit) and attempt.ending == "failed"
            return Attempt(unit.id, "stopped", attempt.seconds) if was_stopped else attempt
        except TaskCancelledError:  # before its worker had begun with it
            return Attempt(unit.id, "stopped", 0.0)
        except RayError as error:
            first = str(error).strip().splitlines()[0]
            return Attempt(unit.id, "failed", 0.0, first, str(error), kind_of(error))


@final
class _Head:
    """Asks Ray's head for its nodes, in a thread: as long as the head is silent, Ray blocks it."""

    def __init__(self) -> None:
        self.machines = _machines()
        self._answered = time.monotonic()
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    @property
    def is_lost(self) -> bool:
        """Whether it has not answered for too long."""
        return time.monotonic() - self._answered > LOST_SECONDS

    def leave(self) -> None:
        """Leave Ray, for good."""
        self._left.set()
        if not self.is_lost:  # a question on its way would connect to Ray again
            self._thread.join()
        ray.shutdown()

    def _ask(self) -> None:
        while not self._left.wait(ROOM_SECONDS):
            with suppress(Exception):  # silence, too
                self.machines = _machines()
                self._answered = time.monotonic()


def _run(perform: Perform, unit: Unit) -> Attempt:
    """Carry out a unit in a worker, where Ray's cancellation arrives as Ctrl-C would.

    An interruption in the middle of a step would leave half a step; so it only sets a flag, which
    the unit looks at between two steps.
    """
    asked = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: asked.set())
    try:
        return perform(unit, asked.is_set)
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def _start(address: str | None, workers: int | None, runtime_env: Mapping[str, Any] | None) -> None:
    settings: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "runtime_env": _runtime_env(runtime_env),
        "job_config": Imports(),
    }
    if address is None:
        settings |= {
            "num_cpus": workers,
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
        }
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address or "local", **settings)
        # Ray puts a handler of its own in place, which exits at once and with another code
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_terminate)
    except (OSError, ValueError, RuntimeError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if address is None:
            raise UserError(
                f"Ray cannot start on this machine: {first}\n{start_advice(error)}; "
                "`--executor local` runs without Ray"
            ) from error
        raise UserError(
            f"the Ray cluster at {address} cannot be reached: {first}\n"
            "check the address, and set RAY_AUTH_MODE=token for a cluster that asks for a token; "
            "without --address Ray starts here, and `--executor local` runs without Ray"
        ) from error


def _runtime_env(fields: Mapping[str, Any] | None) -> RuntimeEnv | None:
    if fields is None:
        return None
    known = {name for name in RuntimeEnv.known_fields if not name.startswith("_")}
    if unknown := sorted(fields.keys() - known):
        raise UserError(
            f"the runtime environment: unknown keys {', '.join(unknown)}; Ray knows "
            f"{', '.join(sorted(known))}"
        )
    try:
        return RuntimeEnv(**fields)
    except (TypeError, ValueError) as error:
        raise UserError(f"the runtime environment is not one that Ray reads: {error}") from error


def _machines() -> list[Machine]:
    return [Machine.of(node["Resources"]) for node in ray.nodes() if node["Alive"]]
