"""`--set PATH=VALUE`: one overlay each, laid over the profile as if it were written in it."""

from collections.abc import Iterable, Iterator

from rgm_bench.config.placed import Placed, Position, nested
from rgm_bench.config.problems import Problems
from rgm_bench.config.reading import read_text


def read_overrides(overrides: Iterable[str], problems: Problems) -> Iterator[Placed]:
    """The overlays that overrides stand for; those that say nothing are noted and left out."""
    for text in overrides:
        source = Position(f"--set {text}")
        path, equals, value = text.partition("=")
        keys = path.strip().split(".")
        if not equals or not all(keys):
            problems.add(source, "", "expected PATH=VALUE, such as training.images=64000")
            continue
        before = len(problems)
        leaf = read_text(value, source, problems) or Placed(None, source, source)
        if len(problems) == before:
            yield nested(keys, leaf, source)
