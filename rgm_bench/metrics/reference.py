"""Features of reference images, kept on disk: every evaluation of a study needs the same ones.

The key holds all that decides their bits, the hash of the weights included, so that neither a new
extractor under an old name nor another machine sharing the folder is answered with wrong features.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from rgm_bench import sealed_tensors
from rgm_bench.errors import DamagedError
from rgm_bench.metrics.fidelity import Block, Extractor, Features

_KEY = "key"

log = logging.getLogger(__name__)


def reference_features(
    extractor: Extractor,
    blocks: Callable[[], Iterable[Block]],
    *,
    folder: Path,
    data_key: str,
    split: str,
    number: int,
    set_aside: Callable[[Path], object] | None = None,
) -> Features:
    """Features of reference images: from `folder` if they lie there whole, else extracted.

    Args:
        extractor: that sees them.
        blocks: gives the images; called only when they have to be seen.
        folder: of the cache; made when missing.
        data_key: names the data set and what was done to it, such as the JSON of its spec.
        split: which part of it.
        number: of images that `blocks` gives.
        set_aside: told of a damaged file, which it moves out of the way; None has it written over.

    Raises:
        ValueError: `blocks` gave another number of images.
    """
    key = _key(extractor, data_key=data_key, split=split, number=number)
    path = folder / f"{extractor.name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
    try:
        cached = _read(path, key)
    except DamagedError as error:
        log.warning("%s; its features are extracted anew", error)
        cached = None
        if set_aside is not None:
            set_aside(path)
    if cached is not None:
        return cached
    features = extractor.features(blocks())
    if len(features) != number:
        raise ValueError(f"expected {number} reference images, was given {len(features)}")
    _write(features, path, key)
    return features


def _key(extractor: Extractor, *, data_key: str, split: str, number: int) -> str:
    fields = {
        "data": data_key,
        "split": split,
        "number": number,
        "extractor": extractor.name,
        "weights_sha256": extractor.weights_sha256,
        "torch": torch.__version__,
        "device": _device_kind(extractor.device),
    }
    return json.dumps(fields, sort_keys=True)


def _device_kind(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}"


def _read(path: Path, key: str) -> Features | None:
    """The features of a file, or None if there is none.

    Raises:
        DamagedError: it is not as it was written, or holds features of something else.
    """
    try:
        tensors, text = sealed_tensors.read(path, _KEY)
    except FileNotFoundError:
        return None
    if text != key or tensors.keys() != {"fid", "logits"}:
        raise DamagedError(path, "it holds other features than those of its name")
    return Features(fid=tensors["fid"], logits=tensors["logits"])


def _write(features: Features, path: Path, key: str) -> None:
    """Write under a name of its own and rename: a reader sees a whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    tensors = {"fid": features.fid, "logits": features.logits}
    try:
        # Not save_file: it makes files that only their owner can read, and stores are shared.
        temporary.write_bytes(sealed_tensors.to_bytes(tensors, _KEY, key))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
