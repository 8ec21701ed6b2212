"""Classes of the user's own: named in a study, carried to workers, made into objects there.

YAML never names code. A study written in Python does, with `rgm_bench.part`, and its spec then
holds the name of the class, its arguments and a digest of its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from rgm_bench.config.spec import PythonPartSpec, part_key
from rgm_bench.errors import StudyError


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

    def make(self, spec: PythonPartSpec) -> object:
        """The object that a spec stands for.

        Raises:
            StudyError: its class did not come with the study.
        """
        import cloudpickle

        code = self.pickled.get(part_key(spec.name, spec.code))
        if code is None:
            raise StudyError(
                f"the class {spec.name} did not come with this study; "
                "run the Python file that defines it"
            )
        return cloudpickle.loads(code)(**spec.arguments)


NO_PARTS = Parts()
