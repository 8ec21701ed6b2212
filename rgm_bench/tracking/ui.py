"""The MLflow UI over a store."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from rgm_bench.environment import forget_empty
from rgm_bench.errors import StoreError, UserError
from rgm_bench.redaction import redacted
from rgm_bench.tracking.artifacts import DATABASE, relocate
from rgm_bench.tracking.mlflow import chosen_uri, tracking_uri

HOST = "127.0.0.1"
START_SECONDS = 120


def serve(root: Path, *, port: int = 5000) -> int:
    """Serve the runs of the store at `root` to this machine until it is stopped.

    Returns:
        The exit code of the server; 0 after Ctrl-C.

    Raises:
        UserError: when the port is taken, or the runs are on a server that has a UI of its own.
        StoreError: when nothing has been run in this store yet.
    """
    uri = tracking_uri(root)
    _require_runs(uri, root)
    _require_free(port)
    if chosen_uri() is None:
        relocate(root)
    signal.signal(signal.SIGTERM, _stop)  # else the server would outlive this process
    server = subprocess.Popen(_command(uri, port), env=_environment())
    try:
        if _answers(server, port):
            print(f"MLflow UI: http://{HOST}:{port} (Ctrl-C stops it)", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def _stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _require_runs(uri: str, root: Path) -> None:
    if uri.startswith(("http://", "https://", "databricks")):
        raise UserError(
            f"MLFLOW_TRACKING_URI is {redacted(uri)}: the runs are on that server, so open it in a "
            f"browser, or unset the variable to serve {root}"
        )
    database = root / DATABASE
    if chosen_uri() is None and not database.is_file():
        raise StoreError(
            f"{database} does not exist: nothing has been run in this store yet. Run a study "
            "first (rgm-bench run), or name the store with --store"
        )


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"port {port} of {HOST} cannot be used ({error.strerror}): stop what listens "
                f"there, or choose another one, for example --port {port + 1}"
            ) from error


def _command(uri: str, port: int) -> list[str]:
    options = {
        "--backend-store-uri": uri,
        "--host": HOST,
        "--port": str(port),
        "--workers": "1",
        # uvicorn looks for modules in the present folder, unless told of another
        "--uvicorn-opts": f"--log-level warning --app-dir {os.devnull}",
    }
    return [
        sys.executable,
        "-P",
        "-m",
        "mlflow",
        "server",
        *(x for pair in options.items() for x in pair),
    ]


def _environment() -> dict[str, str]:
    """Quiet and without telemetry, unless the user says otherwise.

    Python files of the present folder are no modules of the server, nor of what it starts.
    """
    forget_empty("MLFLOW_")
    usual = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "ERROR"}
    return {**usual, **os.environ, "PYTHONSAFEPATH": "1"}


def _answers(server: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return True
        time.sleep(0.2)
    return False
