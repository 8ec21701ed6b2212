"""What reaches the workers of a real Ray, and what is refused before Ray starts."""

import os

import pytest

from rgm_bench.errors import UserError
from rgm_bench.execution.base import Attempt, Unit
from rgm_bench.execution.ray import RayExecutor


@pytest.mark.process
def test_workers_have_the_runtime_environment() -> None:
    def perform(unit, stopped):
        return Attempt(unit.id, "failed", 0.0, os.environ.get("OF_THE_WORKERS"))

    executor = RayExecutor(
        perform, workers=1, runtime_env={"env_vars": {"OF_THE_WORKERS": "only theirs"}}
    )
    try:
        executor.submit(Unit("evaluation", "e", {}))
        ended: list[Attempt] = []
        while not ended:
            ended = executor.wait(60)
    finally:
        executor.close()
    assert [attempt.reason for attempt in ended] == ["only theirs"]
    assert "OF_THE_WORKERS" not in os.environ


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"env_vars": {"A": 1}}, "env_vars"),
        ({"pips": ["torch"]}, "unknown keys pips; Ray knows"),
        ({"working_dir": "/there/is/no/such/folder"}, "/there/is/no/such/folder"),
    ],
)
def test_a_wrong_runtime_environment_is_refused(fields, text) -> None:
    with pytest.raises(UserError, match=text):
        RayExecutor(lambda unit, stopped: Attempt(unit.id, "ok", 0.0), runtime_env=fields)
