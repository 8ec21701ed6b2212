"""Where data sets lie on this machine, and how to get the ones that are missing.

Imports neither torch nor numpy: a plan has to answer at once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Literal, assert_never, final, get_args

from rgm_bench.data.contents import (
    CELEBA_HQ_MAPPING,
    CELEBA_PARTITION,
    CIFAR10_FILES,
    IDX_FILES,
    LSUN_CHURCH_FOLDERS,
    PHOTOGRAPHS,
    PICTURE_SUFFIXES,
    DataKind,
    Split,
)
from rgm_bench.data.folder import has_pictures
from rgm_bench.environment import folder_of
from rgm_bench.errors import MissingDataError

DATA_VARIABLE = "RGM_BENCH_DATA"
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")

_SLUG = re.compile(r"[a-z0-9_]{1,64}")
_ALL_SPLITS: tuple[Split, Split] = ("train", "test")


@final
@dataclass(frozen=True)
class DataSetStatus:
    """One line of `rgm-bench data`: a data set, where it was found, and how to get it.

    Args:
        name: the kind, or `image_folder <name>`.
        folder: where its files lie; None when they were not found.
        instructions: the commands that get it, one a line; empty for a folder of one's own.
    """

    name: str
    folder: Path | None
    instructions: str


def data_root() -> Path:
    """The folder of data sets: `$RGM_BENCH_DATA`, else `~/.cache/rgm-bench/data`."""
    return folder_of(DATA_VARIABLE, "~/.cache/rgm-bench/data")


def locate(kind: DataKind, *, name: str | None = None, split: Split = "train") -> Path:
    """The folder that holds the files of a data set.

    Args:
        kind: which data set.
        name: of an image folder; None for every other kind.
        split: which part has to be there (an image folder's folder is that of its split).

    Raises:
        MissingDataError: it is in none of its places; the text says which, and how to get it.
    """
    places = _places(kind, name, split)
    for folder in places:
        if not _missing(kind, folder, split):
            return folder
    looked = "\n".join(f"  {folder}: {_missing(kind, folder, split)}" for folder in places)
    raise MissingDataError(
        f"{_title(kind, name)} ({split}) was not found. Looked at:\n{looked}\n"
        f"To get it:\n{_indented(_instructions(kind, name))}"
    )


def idx_file(folder: Path, name: str) -> Path | None:
    """The file `name` of a folder, else `name`.gz, else None."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def photograph_files(split: Split) -> tuple[Path, ...]:
    """The photographs of natural_patches, where the packages that ship them are installed."""
    named = (PurePosixPath(name).parts for name in PHOTOGRAPHS[split])
    return tuple(_package(package).joinpath(*rest) for package, *rest in named)


def statuses() -> tuple[DataSetStatus, ...]:
    """Every kind of data set and every image folder below the root, found or not."""
    fixed = [kind for kind in get_args(DataKind) if kind != "image_folder"]
    found = [DataSetStatus(kind, _whole(kind), _instructions(kind, None)) for kind in fixed]
    folders = [
        DataSetStatus(f"image_folder {name}", data_root() / name, "") for name in _image_folders()
    ]
    example = DataSetStatus("image_folder", None, _instructions("image_folder", None))
    return (*found, *(folders or [example]))


def download(name: Literal["fashion_mnist", "cifar10"]) -> Path:
    """Fetch a data set into the data root with torchvision, and give its folder.

    Files that are already there and whole are kept.

    Raises:
        MissingDataError: the download failed; the text names the other ways to get it.
    """
    try:
        data_root().mkdir(parents=True, exist_ok=True)
        match name:
            case "fashion_mnist":
                _download_fashion_mnist()
            case "cifar10":
                _download_cifar10()
            case _:
                assert_never(name)
    except (OSError, RuntimeError) as error:  # RuntimeError: torchvision's failed checksum
        raise MissingDataError(
            f"the download of {name} to {data_root()} failed: {error}\n"
            f"Other ways to get it:\n{_indented(_instructions(name, None))}"
        ) from error
    return locate(name)


def _download_fashion_mnist() -> None:
    from torchvision.datasets import FashionMNIST

    FashionMNIST(str(data_root()), download=True)


def _download_cifar10() -> None:
    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import download_and_extract_archive

    # Not CIFAR10(download=True): it would unpickle the batches, which we never do unrestricted.
    download_and_extract_archive(
        CIFAR10.url, str(data_root()), filename=CIFAR10.filename, md5=CIFAR10.tgz_md5
    )


def _places(kind: DataKind, name: str | None, split: Split) -> tuple[Path, ...]:
    match kind:
        case "digits":
            return (_package("sklearn") / "datasets/data",)
        case "fashion_mnist":
            root = data_root()
            return (root / "fashion_mnist", root / "FashionMNIST/raw", DEBIAN_FASHION_MNIST)
        case "cifar10":
            return (data_root() / "cifar-10-batches-py",)
        case "natural_patches":
            return (_package("skimage") / "data",)
        case "celeba_hq_256":
            return (data_root() / "celeba_hq_256",)
        case "lsun_church":
            return (data_root() / "lsun_church", data_root() / "lsun")
        case "image_folder":
            return (data_root() / _checked_name(name) / split,)
        case _:
            assert_never(kind)


def _package(name: str) -> Path:
    """The folder of an installed package; a relative path when there is none."""
    package = find_spec(name)  # finds without importing
    places = package.submodule_search_locations if package else None
    return Path(next(iter(places or (name,))))


def _checked_name(name: str | None) -> str:
    if name is None or not _SLUG.fullmatch(name):
        raise MissingDataError(
            f"an image folder's name is made of a to z, 0 to 9 and _, at most 64 of them; "
            f"found {name!r}"
        )
    return name


def _missing(kind: DataKind, folder: Path, split: Split) -> str:
    """What `folder` lacks of a split, as a text; empty when it lacks nothing."""
    if not folder.is_dir():
        return "no such folder"
    match kind:
        case "digits":
            return _without(folder, "digits.csv.gz")
        case "fashion_mnist":
            return _listed(name for name in IDX_FILES[split] if not idx_file(folder, name))
        case "cifar10":
            return _without(folder, *CIFAR10_FILES[split])
        case "natural_patches":
            return _listed(str(path) for path in photograph_files(split) if not path.is_file())
        case "celeba_hq_256":
            lists = _without(folder, CELEBA_HQ_MAPPING, CELEBA_PARTITION)
            return lists or _without_pictures(folder)
        case "lsun_church":
            return _without(folder, f"{LSUN_CHURCH_FOLDERS[split]}/data.mdb")
        case "image_folder":
            return _without_pictures(folder)
        case _:
            assert_never(kind)


def _without(folder: Path, *needed: str) -> str:
    return _listed(name for name in needed if not (folder / name).is_file())


def _without_pictures(folder: Path) -> str:
    return "" if has_pictures(folder) else f"no {', '.join(PICTURE_SUFFIXES)} below it"


def _listed(absent: Iterable[str]) -> str:
    names = ", ".join(absent)
    return f"without {names}" if names else ""


def _whole(kind: DataKind) -> Path | None:
    """The folder of a data set of which both splits are there, else None."""
    for folder in _places(kind, None, "train"):
        if not any(_missing(kind, folder, split) for split in _ALL_SPLITS):
            return folder
    return None


def _image_folders() -> tuple[str, ...]:
    root = data_root()
    if not root.is_dir():
        return ()
    names = sorted(path.name for path in root.iterdir() if _SLUG.fullmatch(path.name))
    return tuple(
        name for name in names if any((root / name / split).is_dir() for split in _ALL_SPLITS)
    )


def _title(kind: DataKind, name: str | None) -> str:
    return f"the image folder {name}" if kind == "image_folder" else f"the data set {kind}"


def _instructions(kind: DataKind, name: str | None) -> str:
    root = data_root()
    match kind:
        case "digits":
            return "pip install scikit-learn"
        case "fashion_mnist":
            return (
                "apt-get install dataset-fashion-mnist (Debian and Ubuntu)\n"
                "or: rgm-bench data --get fashion_mnist\n"
                f"or: put its four idx files, .gz or not, into {root / 'fashion_mnist'}"
            )
        case "cifar10":
            return (
                "rgm-bench data --get cifar10\n"
                "or: get https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz and unpack it "
                f"with: tar -xzf cifar-10-python.tar.gz -C {root}"
            )
        case "natural_patches":
            return "pip install scikit-image scikit-learn"
        case "celeba_hq_256":
            return (
                "for non-commercial research, by the terms of its authors: get the pictures and\n"
                f"{CELEBA_HQ_MAPPING} of CelebAMask-HQ\n"
                "(https://github.com/switchablenorms/CelebAMask-HQ) and\n"
                f"{CELEBA_PARTITION} of CelebA\n"
                "(https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html), and put both lists and the\n"
                "pictures, 0.jpg or 00000.png to 29999, 256x256 or 1024x1024, into\n"
                f"{root / 'celeba_hq_256'}"
            )
        case "lsun_church":
            return (
                "get the category church_outdoor with the script of its authors\n"
                "(https://github.com/fyu/lsun): python3 download.py -c church_outdoor\n"
                f"and unzip both archives there, so that {root / 'lsun_church'}\n"
                f"holds {LSUN_CHURCH_FOLDERS['train']} and {LSUN_CHURCH_FOLDERS['test']};\n"
                "pip install lmdb"
            )
        case "image_folder":
            return (
                f"put pictures ({', '.join(PICTURE_SUFFIXES)}), in folders or not, below\n"
                f"{root / (name or '<name>')}/train and {root / (name or '<name>')}/test\n"
                f"(another data root: export {DATA_VARIABLE}=/path/to/data)"
            )
        case _:
            assert_never(kind)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
