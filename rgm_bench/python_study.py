"""Studies written in Python: a study file with changes that may hold classes of the user's own.

    import rgm_bench

    study = rgm_bench.extend(
        "ablation",
        {"axes": {"arm": {"values": {"mine": {"training": {"method": {
            "prior": rgm_bench.part(MyPrior, weight=0.1)}}}}}}},
    )

`rgm-bench run my_study.py` takes what the file calls `study`.
"""

import ast
import importlib.util
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from inspect import getsourcefile
from pathlib import Path
from types import ModuleType
from typing import Any, cast, final

from rgm_bench.config.load import read_study, resolve_study
from rgm_bench.config.overlay import overlay
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.parts import Part, Parts
from rgm_bench.config.placed import Placed, Position
from rgm_bench.config.problems import listing
from rgm_bench.config.spec import PYTHON
from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StudyError
from rgm_bench.results.code import meaning

VARIABLE = "study"
"""What a Python study file calls its study."""


@final
@dataclass(frozen=True)
class PythonStudy:
    """A study file, and what is laid over it."""

    extends: Path
    changes: Mapping[str, Any]


def extend(study: str | Path, changes: Mapping[str, Any]) -> PythonStudy:
    """A study file with changes, in the form of the file itself.

    Maps merge, lists replace, and another `kind` replaces its map, as in a profile. Where the
    grammar has a prior or a forward process, a `part` may stand.

    Args:
        study: the path of a study file, or the name of a shipped study.
        changes: what differs.
    """
    return PythonStudy(_file_of(study), changes)


def _file_of(study: str | Path) -> Path:
    shipped = packaged_studies() / f"{study}.yaml"
    return shipped if not Path(study).exists() and shipped.exists() else Path(study)


def load_python_study(
    path: Path, *, profile: str = "laptop", overrides: Sequence[str] = ()
) -> StudySpec:
    """One profile of the study that a Python file holds.

    Raises:
        StudyError: the file cannot be run, or its study is wrong.
    """
    study = _study_in(path)
    at = Position(str(path))
    reader = _Reader(path, at)
    document = overlay(read_study(study.extends), reader.read(study.changes))
    named = {**document.entries, "name": Placed(path.stem, at, at)}
    spec = resolve_study(document.with_entries(named), path, profile=profile, overrides=overrides)
    return spec.with_parts(Parts(reader.pickled))


def _study_in(path: Path) -> PythonStudy:
    module = _run(path)
    study = getattr(module, VARIABLE, None)
    if not isinstance(study, PythonStudy):
        found = type(study).__name__ if hasattr(module, VARIABLE) else "nothing"
        raise StudyError(
            f"{path}: found {found} under the name {VARIABLE}; expected "
            f'`{VARIABLE} = rgm_bench.extend("<study>", {{...}})`'
        )
    return study


def _run(path: Path) -> ModuleType:
    """The module that a file makes, importable by its own parts and by what lies beside it."""
    if not path.is_file():
        raise StudyError(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except StudyError:
        raise
    except Exception as error:  # whatever the user's code raises is the user's to mend
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{where.filename}:{where.lineno}: {type(error).__name__}: {error}"
        raise StudyError(f"{path} cannot be run: {text}") from error
    finally:
        sys.path.remove(folder)
    return module


@final
class _Reader:
    """Turns Python values into placed ones, and keeps the classes among them."""

    def __init__(self, path: Path, at: Position) -> None:
        self._folder, self._at = path.parent.resolve(), at
        self.pickled: dict[str, bytes] = {}

    def read(self, value: Any) -> Placed:
        if isinstance(value, Part):
            return self.read(self._described(value))
        if isinstance(value, Mapping):
            entries = cast("Mapping[Any, Any]", value)
            return self._placed({str(key): self.read(entry) for key, entry in entries.items()})
        if isinstance(value, list | tuple):
            return self._placed(tuple(self.read(item) for item in cast("list[Any]", value)))
        if value is None or isinstance(value, str | int | float | bool):
            return self._placed(value)
        raise StudyError(
            f"{self._at}: found {value!r}; expected numbers, texts, truth values, lists and maps "
            "of them, or rgm_bench.part(...)"
        )

    def _placed(self, value: Any) -> Placed:
        return Placed(value, self._at, self._at)

    def _described(self, part: Part) -> dict[str, Any]:
        name = part.cls.__qualname__
        if not name.isidentifier():
            raise StudyError(f"{self._at}: {name} is defined within something; move it to the top")
        self.pickled[name] = self._pickle(part.cls)
        described = {
            "kind": PYTHON,
            "name": name,
            "code": self._digest(part.cls),
            "arguments": dict(part.arguments),
        }
        levels = _num_levels(part)
        return described if levels is None else {**described, "num_levels": levels}

    def _pickle(self, cls: type) -> bytes:
        """By value, with all that lies beside the study: workers cannot import it."""
        import cloudpickle

        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if file and Path(file).resolve().is_relative_to(self._folder):
                cloudpickle.register_pickle_by_value(module)
        return cloudpickle.dumps(cls)

    def _digest(self, cls: type) -> str:
        """Of the module that defines a class, without the study in it."""
        file = getsourcefile(cls)
        if file is None:
            raise StudyError(f"{self._at}: {cls.__name__} has no source file; define it in one")
        source = ast.parse(Path(file).read_text())
        source.body = [line for line in source.body if not _assigns_study(line)]
        return sha256(meaning(ast.unparse(source))).hexdigest()[:8]


def _assigns_study(line: ast.stmt) -> bool:
    return isinstance(line, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == VARIABLE for target in line.targets
    )


def _num_levels(part: Part) -> int | None:
    """Of a forward process, which the training has to know before it is built."""
    from rgm_bench.forward.base import ForwardProcess

    if not issubclass(part.cls, ForwardProcess):
        return None
    try:
        return part.cls(**part.arguments).num_levels
    except TypeError as error:
        names = listing(part.arguments)
        raise StudyError(f"{part.cls.__name__} refuses its arguments ({names}): {error}") from error
