"""Variables that are set to nothing, home folders, and paths in any letters."""

import subprocess
import sys
from pathlib import Path

import pytest

from rgm_bench.data.location import data_root
from rgm_bench.environment import expanded, forget_empty, path_of, variable
from rgm_bench.errors import StoreError
from rgm_bench.metrics.inception import find_inception
from rgm_bench.results.remote import working_folder
from rgm_bench.results.store import Store
from rgm_bench.tracking.mlflow import tracking_uri


def test_a_variable_that_is_set_to_nothing_is_not_set(tmp_path, monkeypatch):
    for name in ("DATA", "CACHE", "INCEPTION"):
        monkeypatch.setenv(f"RGM_BENCH_{name}", "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert variable("MLFLOW_TRACKING_URI") is None
    assert tracking_uri(tmp_path).endswith(f"{tmp_path}/mlflow.db")
    assert data_root() == tmp_path / ".cache/rgm-bench/data"
    assert working_folder("s3://bucket").is_relative_to(tmp_path / ".cache/rgm-bench/stores")
    assert find_inception() is None


def test_a_library_never_sees_a_variable_that_is_set_to_nothing(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.setenv("AWS_REGION", "here")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # of another: nothing here means no GPU
    forget_empty("AWS_")
    assert variable("AWS_REGION") == "here"
    with pytest.raises(KeyError):
        monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")


def test_a_tilde_is_the_home_folder_wherever_a_path_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DATA", "CACHE"):
        monkeypatch.setenv(f"RGM_BENCH_{name}", "~/given")
    assert data_root() == tmp_path / "given"
    assert working_folder("s3://bucket").is_relative_to(tmp_path / "given")
    assert Store.at("~/store").root == Store.at(Path("~/store")).root == tmp_path / "store"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("~/a", "HOME/a"),
        ("--to=~/a=b", "HOME/a=b"),
        ("--store=s3://b/~/a", "--store=s3://b/~/a"),
        ("title=~/a", "title=~/a"),
        ("a~/b", "a~/b"),
        ("~", "~"),
    ],
)
def test_a_tilde_in_a_command_line_is_expanded_where_a_path_begins(word, meant, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    before = "--to=" if word.startswith("--to") else ""
    assert expanded(word) == before + meant.replace("HOME", "/home/me")


def test_an_empty_home_is_none(monkeypatch):
    monkeypatch.setenv("HOME", "")
    assert path_of("~/a") != Path("/a")


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("", "the name of the store is empty; name a folder with --store"),
        ("caf\udce9", "this name is not UTF-8, and the tables of a store and MLflow take no other"),
        ("s3://bucket/caf\udce9", "this name is not UTF-8"),
    ],
)
def test_a_name_that_no_store_can_have_is_refused(location, text):
    with pytest.raises(StoreError, match=text):
        Store.at(location)


def run(*words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    program = "import sys; from rgm_bench.cli import main; sys.argv[0] = 'rgm-bench'; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={"PYTHONPATH": str(Path(__file__).parents[1]), **variables},
        capture_output=True,
        text=True,
    )


def test_commands_expand_a_tilde_and_ignore_empty_variables(tmp_path):
    (tmp_path / "kept").mkdir()
    done = run("sync", "--store=~/kept", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    done = run("data", HOME=str(tmp_path), RGM_BENCH_DATA="", RGM_BENCH_STORE="")
    assert f"data root: {tmp_path}/.cache/rgm-bench/data" in done.stdout
    done = run("sync", RGM_BENCH_STORE="~/kept", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_who_has_no_home_is_told_what_to_set(monkeypatch):
    monkeypatch.setattr(Path, "expanduser", lambda self: (_ for _ in ()).throw(RuntimeError))
    with pytest.raises(Exception, match="no home folder; set HOME, or set RGM_BENCH_DATA to a"):
        data_root()


def test_output_takes_names_in_any_bytes():
    """As Python's errors do, in whatever encoding a terminal has."""
    done = run("data", RGM_BENCH_DATA="/caf\udce9", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert r"data root: /caf\udce9" in done.stdout
