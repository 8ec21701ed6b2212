"""Classes of the user's own: named in a study, carried to workers, made into objects there.

YAML never names code. A study written in Python does, with `rgm_bench.part`, and its spec then
holds the name of the class, its arguments and a digest of its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, final

from rgm_bench.config.spec import PythonPartSpec, part_key
from rgm_bench.errors import StudyError

Base = TypeVar("Base")


@final
@dataclass(frozen=True)
class Parts:
    """The classes that a study uses, pickled, so that they can travel to other processes.

    Only what this process has pickled itself is ever unpickled: nothing of it lies in the store.

    Args:
        pickled: the classes by their `part_key`.
    """

    pickled: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.pickled.items())))

    def make(self, spec: PythonPartSpec, base: type[Base], *, field: str, **given: object) -> Base:
        """The object that a spec stands for.

        Args:
            spec: the class and its arguments.
            base: what parts are subclasses of where it stands.
            field: where it stands.
            given: arguments that are no part of the spec, such as a trained network.

        Raises:
            StudyError: its class did not come with the study, or is of another kind.
        """
        import cloudpickle

        code = self.pickled.get(part_key(spec.name, spec.code))
        if code is None:
            raise StudyError(
                f"the class {spec.name} did not come with this study; "
                "run the Python file that defines it"
            )
        cls = cloudpickle.loads(code)
        if not issubclass(cls, base):
            raise StudyError(
                f"{field}: {spec.name} stands where a {base.__name__} belongs, "
                "and is no subclass of it"
            )
        return cls(**given, **spec.arguments)


NO_PARTS = Parts()
