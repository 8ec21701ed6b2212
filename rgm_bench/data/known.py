"""Which content CIFAR-10 and Fashion-MNIST have, so that nothing else passes for them.

Imports neither torch nor numpy: a plan has to answer at once.

The digests of CIFAR-10's batches are those that its authors publish, as torchvision has them.
Fashion-MNIST is published gzipped; its digests are of what is in there, because packages compress
it anew.
"""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import Literal, TypeAlias

from rgm_bench.data.contents import CIFAR10_FILES, IDX_FILES, Split
from rgm_bench.data.fingerprint import fingerprint, kept_fingerprint
from rgm_bench.data.location import idx_file, locate
from rgm_bench.errors import DataError, MissingDataError

KnownKind: TypeAlias = Literal["cifar10", "fashion_mnist"]

_FILES: dict[KnownKind, dict[Split, tuple[str, ...]]] = {
    "cifar10": {"train": CIFAR10_FILES["train"], "test": CIFAR10_FILES["test"]},
    "fashion_mnist": {"train": IDX_FILES["train"], "test": IDX_FILES["test"]},
}
_PUBLISHED = {
    "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
    "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
    "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "md5:40351d587109b95175f43aff81a1287e",
    "train-images-idx3-ubyte": (
        "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte": (
        "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte": (
        "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte": (
        "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}


def require_known(
    kind: KnownKind, folder: Path, split: Split, *, content: str | None, num: int
) -> None:
    """Refuse images that are not those which an id names.

    Args:
        kind: the data set whose name they have.
        folder: of its files.
        split: which part is used.
        content: the fingerprint of a subset; None for the data set as published.
        num: of the images that were found.

    Raises:
        DataError: they are others.
    """
    if content is None:
        _require_published(kind, folder, split, num)
        return
    here = fingerprint((name, _sha256(folder, name)) for name in _all_files(kind))
    if here != content:
        raise DataError(
            f"{folder} holds other images than those that were planned with: found {num:,} in the "
            f"{split} split and the fingerprint {here}, expected {content}; copy the right ones to "
            "this machine"
        )


def is_published(kind: KnownKind, folder: Path) -> bool:
    """Whether all files of a data set are as published.

    Raises:
        DataError: one cannot be read.
    """
    return not any(_is_other(folder, name) for name in _all_files(kind))


def subset_fingerprint(kind: KnownKind) -> str:
    """The content of both splits in the form of a data set, whatever images they hold.

    Raises:
        MissingDataError: a file is missing.
        DataError: one cannot be read.
    """
    folder = locate(kind, split="train")
    names = _all_files(kind)
    states = {name: existing(folder, name).stat() for name in names}
    return kept_fingerprint(folder, states, lambda name: _sha256(folder, name))


def existing(folder: Path, name: str) -> Path:
    """The file `name` of a folder, else `name`.gz.

    Raises:
        MissingDataError: there is neither.
    """
    path = idx_file(folder, name)
    if path is None:
        raise MissingDataError(f"{folder} is without {name}, .gz or not")
    return path


def content_of(path: Path) -> bytes:
    """The bytes of a file, unpacked if its name ends with .gz.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}; get it again") from error


def _require_published(kind: KnownKind, folder: Path, split: Split, num: int) -> None:
    others = [name for name in _FILES[kind][split] if _is_other(folder, name)]
    if others:
        raise DataError(
            f"{folder} holds {num:,} images in the {split} split that are not those of {kind} "
            f"(other than published: {', '.join(others)}); get it again, as `rgm-bench data` says, "
            f"or name these images: `data: {{kind: {kind}, subset: NAME}}` in a study gives them "
            "ids of their own (`evaluate` takes them as a folder or an array)"
        )


def _is_other(folder: Path, name: str) -> bool:
    algorithm, _, expected = _PUBLISHED[name].partition(":")
    found = hashlib.new(algorithm, content_of(existing(folder, name)), usedforsecurity=False)
    return found.hexdigest() != expected


def _sha256(folder: Path, name: str) -> bytes:
    return hashlib.sha256(content_of(existing(folder, name))).digest()


def _all_files(kind: KnownKind) -> tuple[str, ...]:
    return (*_FILES[kind]["train"], *_FILES[kind]["test"])
