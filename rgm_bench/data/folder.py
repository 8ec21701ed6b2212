"""Which files of a folder are its pictures, and what of it is left out.

Imports neither torch nor numpy: a plan has to answer at once.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from stat import S_ISDIR, S_ISREG
from typing import final

from rgm_bench.data.contents import PICTURE_SUFFIXES
from rgm_bench.errors import DataError


@final
@dataclass(frozen=True)
class PictureFolder:
    """The pictures below a folder.

    Args:
        folder: where they lie.
        files: state of each file, by its path below `folder`, in the order of these paths.
        left_out: for each reason, the paths of what is no picture, in order.
    """

    folder: Path
    files: Mapping[str, os.stat_result]
    left_out: Mapping[str, tuple[str, ...]]

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The pictures, in order."""
        return tuple(self.folder / name for name in self.files)

    @property
    def note(self) -> str:
        """What was left out, counted and with an example each; empty where nothing was."""
        parts = (
            f"{len(names):,} {reason} ({'' if len(names) == 1 else 'the first is '}"
            f"{shown(names[0])})"
            for reason, names in sorted(self.left_out.items())
        )
        return f"{shown(self.folder)}: left out {', '.join(parts)}" if self.left_out else ""


def picture_folder(folder: Path) -> PictureFolder:
    """The pictures below a folder: the same, in the same order, on every machine.

    A picture is a file with one of `PICTURE_SUFFIXES`, in folders of any depth. Links are followed,
    to files and to folders. Left out are names that begin with a dot, links that lead nowhere or
    back to a folder above them, and every other file.

    Raises:
        DataError: a folder cannot be read.
    """
    files: dict[str, os.stat_result] = {}
    left_out: dict[str, list[str]] = {}
    for name, state, reason in _entries(folder):
        if state is not None and not reason:
            files[name] = state
        else:
            left_out.setdefault(reason, []).append(name)
    return PictureFolder(
        folder=folder,
        files=dict(sorted(files.items())),
        left_out={reason: tuple(sorted(names)) for reason, names in left_out.items()},
    )


def has_pictures(folder: Path) -> bool:
    """Whether there is a picture below a folder; looks no further than the first.

    Raises:
        DataError: a folder cannot be read.
    """
    return any(not reason for _, _, reason in _entries(folder))


def shown(path: PurePath | str) -> str:
    """A path as text that can be printed, whatever bytes its name consists of."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _entries(folder: Path) -> Iterator[tuple[str, os.stat_result | None, str]]:
    """Every file below a folder: its path there, its state, and why it is left out, or nothing."""
    try:
        yield from _below(os.fspath(folder), "", ())
    except OSError as error:
        where = shown(os.fsdecode(error.filename or folder))
        raise DataError(
            f"{where} cannot be read: {error.strerror}; allow reading it, or remove it"
        ) from error


def _below(
    folder: str, prefix: str, above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, os.stat_result | None, str]]:
    here = os.stat(folder)
    above = (*above, (here.st_dev, here.st_ino))
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.name.startswith("."):
                yield name, None, "hidden"
                continue
            try:
                state = os.stat(entry.path)  # of what a link leads to
            except OSError:
                if not entry.is_symlink():
                    raise
                yield name, None, "linked to nothing"
                continue
            if not S_ISDIR(state.st_mode):
                yield name, state, _reason(entry.name, state)
            elif (state.st_dev, state.st_ino) in above:
                yield name, None, "linked in a circle"
            else:
                yield from _below(entry.path, f"{name}/", above)


def _reason(name: str, state: os.stat_result) -> str:
    suffix = os.path.splitext(name)[1].lower()
    if not S_ISREG(state.st_mode):
        return "no file"
    if suffix in PICTURE_SUFFIXES:
        return ""
    return f"with the ending {shown(suffix)}" if suffix else "without an ending"
