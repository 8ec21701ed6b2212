"""What a Ray that starts on this machine needs and leaves, and what its workers import."""

import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import final

from ray._common.utils import get_default_system_temp_dir
from ray._raylet import AuthenticationTokenLoader  # pyright: ignore[reportAttributeAccessIssue]
from ray.job_config import JobConfig

from rgm_bench.errors import UserError

NEEDED_BYTES = 2**20
"""Space below which Ray cannot write the logs and sockets of a session."""

_MODE, _TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"


@final
class Imports(JobConfig):
    """Has workers import what is installed, or on PYTHONPATH, and nothing else.

    Ray puts the present folder before Python's own modules, so that a `profile.py` of the user's
    would be taken for Python's. What a study needs from its folder travels with its classes.
    """

    def _serialize(self) -> str:
        self._py_driver_sys_path: list[str] = []
        return super()._serialize()


@final
class OwnToken:
    """A token that a Ray on this machine and its processes share, as long as it runs.

    Ray would write one into the home folder. There it makes every later cluster of the user ask for
    a token, which its other nodes do not send.
    """

    def __init__(self) -> None:
        self._given = False

    def give(self) -> None:
        """Set the variable that has it, unless the user has chosen how to sign in."""
        if not any(name in os.environ for name in (_MODE, _TOKEN, f"{_TOKEN}_PATH")):
            os.environ[_TOKEN] = secrets.token_hex(32)
            AuthenticationTokenLoader.instance().reset_cache()
            self._given = True

    def take_back(self) -> None:
        """Forget it: it is not that of a cluster that this process goes to later."""
        if self._given:
            for name in (_MODE, _TOKEN):  # Ray has set the first
                os.environ.pop(name, None)
            AuthenticationTokenLoader.instance().reset_cache()
            self._given = False


def require_loopback() -> None:
    """Prove that processes of this machine reach each other; Ray would wait for minutes.

    Raises:
        UserError: they do not.
    """
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=10),
        ):
            pass
    except OSError as error:
        raise UserError(
            f"Ray cannot start on this machine: no connection to 127.0.0.1 ({error.strerror}); "
            "start the loopback interface (ip link set lo up); `--executor local` runs without Ray"
        ) from error


def start_advice(error: Exception) -> str:
    """What to set, or to mend, where a Ray on this machine could not start."""
    folder = Path(get_default_system_temp_dir())
    if "AF_UNIX path" in str(error):
        return "the path of its temporary folder is too long: set RAY_TMPDIR to a short one"
    if _is_full(folder):
        return f"the disk of {folder} is full: free some space, or set RAY_TMPDIR to another folder"
    if isinstance(error, PermissionError | FileNotFoundError):
        return "set RAY_TMPDIR to a folder that you may write"
    return f"its logs are in {folder}/ray/session_latest/logs, and RAY_TMPDIR moves them"


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < NEEDED_BYTES
    except OSError:
        return False
