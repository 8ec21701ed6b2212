"""A disk of its own that can be made really full, or read-only; needs the rights to mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BLOCK = 4096


class SmallDisk:
    """A file system in memory, mounted at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._filler = root / ".filler"

    def fill(self, *, free: int = 0) -> None:
        """Leave `free` bytes, in blocks."""
        with self._filler.open("ab", buffering=0) as file:
            try:
                while file.write(bytes(BLOCK)) == BLOCK:
                    pass
            except OSError:
                pass
        with self._filler.open("r+b") as file:
            file.truncate(self._filler.stat().st_size - free)

    def empty(self) -> None:
        """Give back what `fill` took."""
        self._filler.unlink(missing_ok=True)

    def make_read_only(self) -> None:
        """Refuse all writes from now on, those of the administrator too."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.root)], check=True)


@contextmanager
def mounted(root: Path, *, size: int) -> Iterator[SmallDisk]:
    """A disk of `size` bytes at `root`; skips the test where none can be mounted."""
    root.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(root)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    try:
        yield SmallDisk(root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True)
