"""From what a Python file calls `study` to a resolved study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast, final

from rgm_bench.config.load import load_study, read_study, resolve_study
from rgm_bench.config.overlay import overlay
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.parts import Parts
from rgm_bench.config.placed import Placed, Position
from rgm_bench.config.problems import listing, nearest
from rgm_bench.config.reading import YAML_SUFFIXES, shorten
from rgm_bench.config.spec import (
    PYTHON,
    part_key,
)
from rgm_bench.config.study import StudySpec
from rgm_bench.errors import StudyError
from rgm_bench.python_study.file import running
from rgm_bench.python_study.making import make_all_parts
from rgm_bench.python_study.part import Part
from rgm_bench.python_study.source import VARIABLE, code_of, pickled


@final
@dataclass(frozen=True)
class PythonStudy:
    """A study file, and what is laid over it."""

    extends: str | Path
    changes: Mapping[str, Any]


def extend(study: str | Path, changes: Mapping[str, Any]) -> PythonStudy:
    """A study file with changes, in the form of the file itself.

    Maps merge, lists replace, and another `kind` replaces its map, as in a profile. Where the
    grammar has a prior or a forward process, a `part` may stand. The study is called what the
    Python file is called.

    Args:
        study: the name of a shipped study, or the path of a study file as seen from the Python
            file.
        changes: what differs.
    """
    return PythonStudy(study, changes)


def open_study(path: Path, *, profile: str = "laptop", overrides: Sequence[str] = ()) -> StudySpec:
    """One profile of a study file; one whose name ends in `.py` is run as Python.

    Raises:
        StudyError: the file, the profile or an override is wrong.
        MissingDataError: as of `load_study`.
    """
    load = load_python_study if path.suffix == ".py" else load_study
    return load(path, profile=profile, overrides=overrides)


def load_python_study(
    path: Path, *, profile: str = "laptop", overrides: Sequence[str] = ()
) -> StudySpec:
    """One profile of the study that a Python file holds.

    Raises:
        StudyError: the file cannot be run, or its study is wrong.
        MissingDataError: as of `load_study`.
    """
    at = Position(str(path))
    with running(path) as module:
        study = _study_in(module, path)
        reader = _Reader(path, at)
        changes = reader.read(study.changes)
    base = read_study(_file_of(study.extends, path))
    named = base.with_entries({**base.entries, "name": Placed(path.stem, at, at)})
    spec = resolve_study(overlay(named, changes), path, profile=profile, overrides=overrides)
    spec = spec.with_parts(Parts(reader.pickled))
    try:
        make_all_parts(spec)
    except StudyError as error:
        raise StudyError(f"{at}: {error}") from error
    return spec


def _study_in(module: ModuleType, path: Path) -> PythonStudy:
    study = getattr(module, VARIABLE, None)
    if not isinstance(study, PythonStudy):
        found = shorten(repr(study)) if hasattr(module, VARIABLE) else "nothing"
        raise StudyError(
            f"{path}: found {found} under the name {VARIABLE}; expected "
            f'{VARIABLE} = rgm_bench.extend("<study>", {{...}})'
        )
    return study


def _file_of(study: str | Path, python_file: Path) -> Path:
    if Path(study).suffix in YAML_SUFFIXES:
        return python_file.parent / study
    shipped = {path.stem: path for path in sorted(packaged_studies().glob("*.yaml"))}
    if str(study) not in shipped:
        raise StudyError(
            f'{python_file}: no shipped study is called "{study}"; there are: {listing(shipped)}'
            f"{nearest(study, shipped)}; or give the path of a study file"
        )
    return shipped[str(study)]


@final
class _Reader:
    """Turns Python values into placed ones, and keeps the classes among them."""

    def __init__(self, path: Path, at: Position) -> None:
        self._path, self._at = path, at
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
            f"{self._at}: found {shorten(repr(value))}; expected numbers, texts, truth values, "
            "lists and maps of them, or rgm_bench.part(...)"
        )

    def _placed(self, value: Any) -> Placed:
        return Placed(value, self._at, self._at)

    def _described(self, part: Part) -> dict[str, Any]:
        try:
            name, code = part.cls.__name__, code_of(part.cls, self._path)
            self.pickled[part_key(name, code)] = pickled(part.cls, self._path.parent.resolve())
        except StudyError as error:
            raise StudyError(f"{self._at}: {error}") from error
        described = {"kind": PYTHON, "name": name, "code": code, "arguments": part.arguments}
        return described if part.num_levels is None else described | {"num_levels": part.num_levels}
