"""The code of a class: which files it consists of, what they mean, and how it travels.

A class is the module that defines it and all that this imports from beside it. What lies beside a
study travels with the class; installed packages have to be there wherever it is used.
"""

import ast
import sys
import tokenize
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import resolve_name
from pathlib import Path
from types import ModuleType
from typing import final

from rgm_bench.errors import StudyError
from rgm_bench.results.code import meaning

VARIABLE = "study"
"""What a Python study file calls its study, which is no part of the code of its classes."""

_PACKAGE = __name__.partition(".")[0]

_NEVER = {_PACKAGE, *sys.stdlib_module_names}
"""Modules that nothing beside a study stands in for: `import random` is Python's."""


@final
@dataclass(frozen=True)
class Sources:
    """The files that a module consists of, by the names of their modules, its own first.

    `travels` says whether they lie beside the study.
    """

    files: Mapping[str, Path]
    travels: bool


def sources(name: str, file: Path, folder: Path) -> Sources:
    """A module's file and those that it imports, directly or not, from where it lies.

    Args:
        name: of the module, with its packages.
        file: that defines it.
        folder: of the study.
    """
    file = file.resolve()
    top = name.partition(".")[0]
    root = file.parents[name.count(".") + (file.name == "__init__.py")]
    travels = root == folder and top != _PACKAGE
    found, new = {name: file}, [name]
    while new:
        module = new.pop()
        for imported in _imports(module, found[module]):
            first = imported.partition(".")[0]
            if imported in found or first in _NEVER or not (travels or first == top):
                continue
            beside = _file_of(imported, root)
            if beside is not None:
                found[imported] = beside
                new.append(imported)
    return Sources(found, travels)


def sources_of(cls: type, folder: Path) -> Sources:
    """The files that a class consists of.

    Raises:
        StudyError: it was not defined in a file.
    """
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is None:
        raise StudyError(f"{cls.__name__} has no source file; define it in one")
    return sources(cls.__module__, Path(file), folder)


def code_of(cls: type, study: Path) -> str:
    """8 hexadecimal digits for the code of a class, comments, docstrings and the study left out."""
    own, *others = sources_of(cls, study.parent.resolve()).files.items()
    text = sha256()
    # the name of its own module would be that of the study, which may be renamed
    for name, file in (("", own[1]), *sorted(others)):
        text.update(name.encode())
        text.update(meaning(_without_study(file) if file == study.resolve() else _text(file)))
    return text.hexdigest()[:8]


def pickled(cls: type, folder: Path) -> bytes:
    """A class as bytes: whole if it lies beside the study, else by its name."""
    import cloudpickle

    found = sources_of(cls, folder)
    names = found.files if found.travels else ()
    modules = [sys.modules[name] for name in names if name in sys.modules]
    with _by_value(modules):
        return cloudpickle.dumps(cls)


@contextmanager
def _by_value(modules: Sequence[ModuleType]) -> Generator[None]:
    import cloudpickle

    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _imports(name: str, file: Path) -> Iterator[str]:
    """The modules that a file names in imports, and the packages around them."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            yield from _with_packages(base)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    try:
        return resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:  # beyond the top: it cannot be imported either
        return ""


def _with_packages(name: str) -> Iterator[str]:
    steps = name.split(".")
    return (".".join(steps[: count + 1]) for count in range(len(steps)) if name)


def _file_of(name: str, root: Path) -> Path | None:
    path = root.joinpath(*name.split("."))
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((file.resolve() for file in candidates if file.is_file()), None)


def _tree(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):  # its import says what is wrong
        return ast.Module([], [])


def _text(file: Path) -> str:
    with tokenize.open(file) as opened:
        return opened.read()


def _without_study(file: Path) -> str:
    tree = _tree(file)
    tree.body = [line for line in tree.body if not _assigns_study(line)]
    return ast.unparse(tree)


def _assigns_study(line: ast.stmt) -> bool:
    targets: Sequence[ast.expr] = ()
    if isinstance(line, ast.Assign):
        targets = line.targets
    elif isinstance(line, ast.AnnAssign):
        targets = [line.target]
    return any(isinstance(target, ast.Name) and target.id == VARIABLE for target in targets)
