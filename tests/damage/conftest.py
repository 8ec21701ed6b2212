"""A small finished store, made once, and what a command says of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rgm_bench.cli.app import app
from rgm_bench.config.load import load_study
from rgm_bench.errors import UserError
from rgm_bench.execution.unit import StoreWorker
from rgm_bench.plan import make_plan
from rgm_bench.results.store import Store, View

STUDY = Path(__file__).parent / "proof.yaml"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the study, complete."""
    root = tmp_path_factory.mktemp("whole")
    work = StoreWorker(str(root))
    for planned in make_plan(load_study(STUDY, profile="laptop"), View(Store(root))).missing:
        assert work(planned.unit).ending == "ok"
    return root


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "store"))


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code; a traceback has none."""

    code: int | None
    text: str


Call = Callable[..., Said]


@pytest.fixture
def call() -> Call:
    """Runs a command in this process as `rgm-bench` does."""

    def run(*words: str | Path) -> Said:
        done = CliRunner().invoke(app, [str(word) for word in words])
        error = done.exception
        if isinstance(error, UserError):  # which `main` prints
            return Said(2, f"{done.output}error: {error}\n")
        if error is not None and not isinstance(error, SystemExit):
            return Said(None, f"{done.output}{error!r}")
        return Said(done.exit_code, done.output)

    return run
