"""Classes of the user's own: named in a study, carried to workers, made into objects there.

YAML never names code. A study written in Python does, with `part`, and its spec then holds the
name of the class, its arguments and a digest of its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from rgm_bench.config.spec import PythonPartSpec
from rgm_bench.errors import StudyError


@final
@dataclass(frozen=True)
class Part:
    """A class with its arguments, as a study in Python holds it."""

    cls: type
    arguments: Mapping[str, Any]


def part(cls: type, /, **arguments: Any) -> Part:
    """A class of your own, to stand where a study names a prior or a forward process.

    Args:
        cls: a subclass of `rgm_bench.priors.base.Prior` or of
            `rgm_bench.forward.base.ForwardProcess`, defined at the top of a module.
        arguments: of its constructor: numbers, texts, truth values, lists and maps of them.
    """
    return Part(cls, arguments)


@final
@dataclass(frozen=True)
class Parts:
    """The classes that a study uses, pickled, so that they can travel to other processes.

    Only what this process has pickled itself is ever unpickled: nothing of it lies in the store.
    """

    pickled: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.pickled.items())))

    def make(self, spec: PythonPartSpec) -> object:
        """The object that a spec stands for.

        Raises:
            StudyError: its class did not come with the study, or refuses its arguments.
        """
        import cloudpickle

        code = self.pickled.get(spec.name)
        if code is None:
            raise StudyError(
                f"the class {spec.name} did not come with this study; "
                "run the Python file that defines it"
            )
        cls = cloudpickle.loads(code)
        try:
            return cls(**spec.arguments)
        except TypeError as error:
            given = ", ".join(spec.arguments) or "none"
            raise StudyError(f"{spec.name} refuses its arguments ({given}): {error}") from error


NO_PARTS = Parts()
