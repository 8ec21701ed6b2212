import socket
from pathlib import Path

import pytest

from rgm_bench.errors import StoreError, UserError
from rgm_bench.tracking.ui import HOST, serve


def test_a_store_without_runs_says_what_to_do(tmp_path: Path):
    with pytest.raises(StoreError, match="rgm-bench run"):
        serve(tmp_path)


def test_a_taken_port_is_named_with_another_to_choose(tmp_path: Path):
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .*--port {port + 1}"):
            serve(tmp_path, port=port)


def test_runs_on_a_server_are_not_served_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    with pytest.raises(UserError, match=r"https://mlflow\.example\.org"):
        serve(tmp_path)
