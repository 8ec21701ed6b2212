"""Every error that rgm-bench raises on purpose.

A `UserError` is somebody's mistake or their machine's: the command line prints its text and no
traceback. Its text says what was found, where, what was expected and what to do.
"""

from pathlib import Path
from typing import final


class UserError(Exception):
    """A mistake that its reader can mend: exit code 2, printed without a traceback."""


@final
class StudyError(UserError):
    """A study file, or an override of it, that says something the grammar does not allow."""


@final
class MissingDataError(UserError):
    """A data set or a file of weights that is not where rgm-bench looked for it."""


@final
class DataError(UserError):
    """A file of data or of weights that is there but is not what it should be."""


class StoreError(UserError):
    """A store that cannot be read or written, or does not hold what was asked for."""


@final
class DamagedError(StoreError):
    """A file of a store that is not what its maker wrote there.

    Args:
        path: of the file.
        found: what is wrong with it.
    """

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(path, found)
        self.path = path
        self.found = found

    def __str__(self) -> str:
        return (
            f"{self.path} is damaged: {self.found}; "
            "`rgm-bench run` of its study sets it aside and makes it again"
        )


@final
class OtherCodeError(UserError):
    """A machine that runs other code than the process that asks it to work."""


@final
class StoppedError(Exception):
    """A unit that was asked to stop: neither an outcome nor a failure, and it goes on later."""


@final
class LostProcessError(Exception):
    """One of the processes that share a training has ended before it: the unit is tried again."""


@final
class DivergedError(Exception):
    """A training whose loss stopped being a finite number: an outcome, not a failure.

    Args:
        name: the loss that was not finite.
        images_seen: how many images the training had seen by then.
    """

    def __init__(self, name: str, images_seen: int) -> None:
        super().__init__(f"{name} is not finite after {images_seen:,} images")
        self.name = name
        self.images_seen = images_seen
