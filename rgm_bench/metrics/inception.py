"""Inception's weights as torch-fidelity publishes them, checked before anything reads them.

torch-fidelity unpickles the file without restriction, so only the published file reaches it.
"""

import pickle
from pathlib import Path
from typing import Final

import torch

from rgm_bench.environment import forget_empty, path_of, variable
from rgm_bench.errors import DataError, MissingDataError
from rgm_bench.metrics.digest import file_sha256

INCEPTION_VARIABLE = "RGM_BENCH_INCEPTION"
FILE_NAME: Final = "weights-inception-2015-12-05-6726825d.pth"
SHA256_PREFIX = "6726825d"
"""The start of the published file's sha256; its name ends with it, too."""


def inception_weights(path: Path | None = None) -> Path:
    """The published weights of `inception_v3_compat`, checked.

    Looked for at `path`, else at `$RGM_BENCH_INCEPTION`, else in torch hub's cache, into which
    they are downloaded when they are not there.

    Raises:
        MissingDataError: they are not there and cannot be downloaded.
        DataError: the file is not the published one.
    """
    chosen = path or _from_environment()
    if chosen is not None and not chosen.is_file():
        raise MissingDataError(
            f"Inception's weights are not at {chosen}: no such file.\n{_advice()}"
        )
    found = chosen or _cached() or _downloaded()
    check_inception_weights(found)
    return found


def find_inception() -> Path | None:
    """Where the weights lie, unchecked; None when they would have to be downloaded."""
    return _from_environment() or _cached()


def check_inception_weights(path: Path) -> None:
    """Refuse a file that is not the published one.

    Raises:
        DataError: its sha256 is another, or it holds more than tensors.
    """
    digest = file_sha256(path)
    if not digest.startswith(SHA256_PREFIX):
        raise DataError(
            f"{path} is not torch-fidelity's Inception: its sha256 starts with {digest[:8]}, "
            f"expected {SHA256_PREFIX}. It was not opened.\n{_advice()}"
        )
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(f"{path} does not hold tensors only: {error}\n{_advice()}") from error


def _from_environment() -> Path | None:
    chosen = variable(INCEPTION_VARIABLE)
    return None if chosen is None else path_of(chosen)


def _cache_path() -> Path:
    forget_empty("TORCH_HOME")
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME


def _cached() -> Path | None:
    return _cache_path() if _cache_path().is_file() else None


def _downloaded() -> Path:
    target = _cache_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Writes under a temporary name, and renames only what has the expected sha256.
        torch.hub.download_url_to_file(
            _url(), str(target), hash_prefix=SHA256_PREFIX, progress=False
        )
    except (OSError, RuntimeError) as error:
        raise MissingDataError(
            f"Inception's weights are neither at ${INCEPTION_VARIABLE} (not set) nor at {target}, "
            f"and their download failed: {error}\n{_advice()}"
        ) from error
    return target


def _url() -> str:
    return f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE_NAME}"


def _advice() -> str:
    return (
        f"Get {_url()}\non a machine with a network, and put it at {_cache_path()}\n"
        f"or anywhere, with: export {INCEPTION_VARIABLE}=/path/to/{FILE_NAME}"
    )
