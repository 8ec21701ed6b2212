"""One training on several processes by Ray Train, each on a GPU of its own or on CPUs."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

# Read when a training starts. Waiting for others to leave room is no failure, and the parts keep
# the folder that paths of data are relative to.
os.environ.setdefault("RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S", str(7 * 24 * 3600))
os.environ.setdefault("RAY_CHDIR_TO_TRIAL_DIR", "0")
os.environ.setdefault("RAY_TRAIN_METRICS_ENABLED", "0")
os.environ.setdefault("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")

from rgm_bench.errors import LostProcessError
from rgm_bench.execution.unit import Done, Part


@final
@dataclass(frozen=True)
class RayTrain:
    """Starts the processes of a training, connects them by NCCL or gloo and waits for them.

    Ray Train tries nothing again, since attempts are counted by the driver, and is given no
    checkpoint: a training saves itself into its own folder. What it writes goes to a temporary one.

    Args:
        processes: how many.
        cpus: of each.
        gpus: of each, 0 or 1.
    """

    processes: int
    cpus: float
    gpus: float

    def __call__(self, part: Part) -> Done | None:
        """Have each process do its part; gives what the first gave.

        Raises:
            LostProcessError: a process died or could not start.
            Exception: what one of them raised.
        """
        from ray.exceptions import RayError
        from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
        from ray.train.torch import TorchTrainer

        with tempfile.TemporaryDirectory(prefix="rgm-bench-ray-train-") as folder:
            trainer = TorchTrainer(
                _do_part,
                train_loop_config={"part": part},
                scaling_config=ScalingConfig(
                    num_workers=self.processes,
                    use_gpu=self.gpus > 0,
                    resources_per_worker=self._resources(),
                ),
                run_config=RunConfig(
                    storage_path=folder,
                    failure_config=FailureConfig(
                        max_failures=0, controller_failure_limit=0, max_preemption_failures=0
                    ),
                ),
            )
            try:
                return trainer.fit().return_value
            except (TrainingFailedError, RayError) as error:
                raise _reason(error) from error

    def _resources(self) -> dict[str, float]:
        gpus = {"GPU": self.gpus} if self.gpus else {}
        return {"CPU": self.cpus, **gpus}


def _do_part(config: Mapping[str, Any]) -> Done | None:
    from rgm_bench.ranks import Ranks

    return config["part"](Ranks.joined())


def _reason(error: Exception) -> Exception:
    """What one process raised by itself; of the others one only hears that a process has gone."""
    failures: Mapping[int, Exception] = getattr(error, "worker_failures", {})
    dead: list[str] = []
    for rank, failure in sorted(failures.items()):
        if type(failure).__module__.startswith("ray."):  # Ray's word for a process that is gone
            dead.append(str(rank))
        elif not isinstance(failure, LostProcessError):
            return failure
    if dead:
        return LostProcessError(f"process {' and '.join(dead)} of its training died")
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return LostProcessError(f"the processes of its training ended: {first}")
