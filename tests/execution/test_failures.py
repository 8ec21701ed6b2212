"""The kind of a failure, from the errors that torch, Ray and the operating system really raise."""

import errno

import numpy as np
import pytest
import torch
from ray import exceptions as ray_errors

from rgm_bench.errors import DataError, MissingDataError, OtherCodeError, StoreError, StudyError
from rgm_bench.execution.failures import failures_in, kind_of

TOO_MUCH = 2**62


def raised(action) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the library raises
        action()
    return caught.value


@pytest.mark.parametrize(
    "action",
    [
        lambda: bytearray(TOO_MUCH),
        lambda: np.empty(TOO_MUCH // 8),
        lambda: torch.empty(TOO_MUCH // 8),
    ],
    ids=["python", "numpy", "torch"],
)
def test_memory_that_is_not_there_is_out_of_memory(action) -> None:
    assert kind_of(raised(action)) == "out of memory"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory"),
        (ray_errors.OutOfMemoryError("killed by the monitor"), "out of memory"),
        (ray_errors.WorkerCrashedError(), "worker killed"),
        (ray_errors.NodeDiedError("dead or unreachable"), "node lost"),
        (ray_errors.LocalRayletDiedError(), "node lost"),
        (ray_errors.OutOfDiskError("disk"), "store error"),
        (ray_errors.RuntimeEnvSetupError("no such package"), "code error"),
        (DataError("a damaged file"), "data error"),
        (MissingDataError("no file"), "data error"),
        (StoreError("not in the store"), "store error"),
        (StudyError("no such part"), "study error"),
        (OtherCodeError("code a, code b"), "code error"),
        (OSError(errno.ENOSPC, "No space left on device"), "store error"),
        (OSError(errno.EROFS, "Read-only file system"), "store error"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "code error"),
        (RuntimeError("shapes do not match"), "code error"),
        (ZeroDivisionError(), "code error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_each_error_has_its_kind(error, kind) -> None:
    assert kind_of(error) == kind


def test_a_unit_failed_if_its_last_attempt_did() -> None:
    def event(name: str, unit: str, attempt: int, **more: object) -> dict[str, object]:
        return {"event": name, "unit": unit, "attempt": attempt, **more}

    failure = {"kind": "worker killed", "reason": "it died"}
    journal = [
        {"event": "started", "units": 3},
        event("submitted", "recovers", 1),
        event("failed", "recovers", 1, **failure),
        event("submitted", "recovers", 2),
        event("ok", "recovers", 2),
        event("submitted", "fails", 1),
        event("failed", "fails", 1, **failure),
        event("submitted", "runs", 1),
        event("failed", "runs", 1, **failure),
        event("submitted", "runs", 2),
    ]
    assert {unit: str(how) for unit, how in failures_in(journal).items()} == {
        "fails": "worker killed (1 attempt): it died"
    }
