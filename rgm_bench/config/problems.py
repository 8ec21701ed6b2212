"""What is wrong with a study, collected so that one run of a command shows all of it."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple, final

from rgm_bench.config.placed import Position
from rgm_bench.errors import StudyError

MAX_SHOWN = 10
"""Problems that one error lists; a file with more of them is mended in rounds."""


class Problem(NamedTuple):
    """One mistake: where it stands, the path of its field, what was found and what is allowed."""

    at: Position
    path: str
    text: str

    def __str__(self) -> str:
        return ": ".join(str(part) for part in self if part)


@final
class Problems:
    """The mistakes found so far, each once."""

    def __init__(self) -> None:
        self._found: dict[Problem, str] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, at: Position, path: Sequence[str | int] | str, text: str) -> None:
        """Note one mistake."""
        dotted = path if isinstance(path, str) else ".".join(map(str, path))
        self._found.setdefault(Problem(at, dotted, text), "")

    def take(self, others: "Problems", suffix: str) -> None:
        """Note what others found; `suffix` is added to what is not known yet."""
        for problem in others._found:
            self._found.setdefault(problem, suffix)

    def raise_any(self) -> None:
        """Stop if there was a mistake.

        Raises:
            StudyError: one line for each mistake, in the order of the file.
        """
        if not self._found:
            return
        lines = [f"{problem}{self._found[problem]}" for problem in sorted(self._found)]
        hidden = len(lines) - MAX_SHOWN
        more = [f"... and {hidden} more"] if hidden > 0 else []
        raise StudyError("\n".join(lines[:MAX_SHOWN] + more))


def listing(names: Iterable[object]) -> str:
    """The names in their order, or that there are none."""
    return ", ".join(map(str, names)) or "none"


def nearest(found: object, names: Iterable[object]) -> str:
    """`; did you mean X?` for the name that looks most like `found`, or nothing."""
    close = get_close_matches(str(found), [str(name) for name in names], n=1)
    return f'; did you mean "{close[0]}"?' if close else ""
