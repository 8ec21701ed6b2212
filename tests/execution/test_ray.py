"""What reaches the workers of a real Ray, and what is refused before Ray starts."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from rgm_bench.errors import UserError
from rgm_bench.execution.base import Attempt, Unit
from rgm_bench.execution.ray import RayExecutor
from rgm_bench.execution.ray_start import start_advice


def in_a_worker(ask, **settings) -> str | None:
    """What a function says that runs in a worker of a Ray of its own."""

    def perform(unit, stopped):
        return Attempt(unit.id, "failed", 0.0, ask())

    executor = RayExecutor(perform, workers=1, **settings)
    try:
        executor.submit(Unit("evaluation", "e", {}))
        ended: list[Attempt] = []
        while not ended:
            ended = executor.wait(60)
    finally:
        executor.close()
    return ended[0].reason


@pytest.mark.process
def test_workers_have_the_runtime_environment() -> None:
    said = in_a_worker(
        lambda: os.environ.get("OF_THE_WORKERS"),
        runtime_env={"env_vars": {"OF_THE_WORKERS": "only theirs"}},
    )
    assert said == "only theirs"
    assert "OF_THE_WORKERS" not in os.environ


@pytest.mark.process
def test_a_local_ray_takes_nothing_from_the_folder_and_leaves_nothing_at_home(
    tmp_path, monkeypatch
) -> None:
    """A token at home would be asked for by every later cluster of the user."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here/profile.py").write_text("raise SystemExit('profile.py was run')")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)

    def ask() -> str:
        import profile

        return f"{os.getcwd()} {profile.__file__} {os.environ['RAY_AUTH_MODE']}"

    folder, file, mode = (in_a_worker(ask) or "").split(" ")
    assert folder == str(tmp_path / "here")
    assert not Path(file).is_relative_to(tmp_path)
    assert mode == "token"
    assert not list((tmp_path / "home").iterdir())
    assert not {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN"} & os.environ.keys()


@pytest.mark.process
def test_a_temporary_folder_that_ray_cannot_use_is_named_with_what_to_set(
    tmp_path, monkeypatch
) -> None:
    long = tmp_path / ("a" * 90)
    long.mkdir()
    (tmp_path / "file").touch()
    for folder, text in ((long, "too long: set RAY_TMPDIR"), (tmp_path / "file", "RAY_TMPDIR")):
        monkeypatch.setenv("RAY_TMPDIR", str(folder))
        with pytest.raises(UserError, match=f"Ray cannot start on this machine: .*\n.*{text}"):
            RayExecutor(lambda unit, stopped: Attempt(unit.id, "ok", 0.0), workers=1)
        assert "RAY_AUTH_TOKEN" not in os.environ


def test_a_machine_that_does_not_reach_itself_is_told_so_at_once(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr("socket.create_connection", refuse)
    with pytest.raises(UserError, match=r"127\.0\.0\.1 \(Network is unreachable\).*ip link set lo"):
        RayExecutor(lambda unit, stopped: Attempt(unit.id, "ok", 0.0), workers=1)


def test_a_full_disk_is_named(monkeypatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/its/disk")
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))
    assert "the disk of /its/disk is full" in start_advice(RuntimeError("no node"))


@pytest.mark.process
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
