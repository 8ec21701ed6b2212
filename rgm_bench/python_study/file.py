"""A Python file as a module, for as long as its study is read."""

import sys
import traceback
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType

from rgm_bench.errors import StudyError, UserError
from rgm_bench.python_study.source import sources


@contextmanager
def running(path: Path) -> Generator[ModuleType]:
    """The module that a file makes; it and what lies beside it can be imported meanwhile.

    Everything is read afresh, also what was imported before, and nothing of it stays.

    Raises:
        StudyError: there is no such file, or it raises an error.
    """
    if not path.is_file():
        raise StudyError(f"{path}: no such file")
    # not the name of the file: it may be that of a library
    module = ModuleType(f"_study_{path.stem}")
    module.__file__ = str(path.resolve())
    folder = path.parent.resolve()
    code = _compiled(path)
    with _importable(folder, sources(module.__name__, path, folder).files):
        sys.modules[module.__name__] = module
        _run(code, module, path)
        yield module


@contextmanager
def _importable(folder: Path, names: Iterable[str]) -> Generator[None]:
    """The folder is where modules are looked for first, and those of these names are new."""
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def _compiled(path: Path) -> CodeType:
    try:
        return compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        place = f"{path}:{error.lineno or 1}:{error.offset or 1}"
        raise StudyError(f"{place}: broken Python: {error.msg}") from error
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from error


def _run(code: CodeType, module: ModuleType, path: Path) -> None:
    try:
        exec(code, vars(module))
    except UserError as error:
        raise StudyError(f"{_place(error, path)}: {error}") from error
    except (Exception, SystemExit) as error:  # what the user's code raises is the user's to mend
        first = (str(error).splitlines() or [""])[0]
        text = f"{type(error).__name__}: {first}" if first else type(error).__name__
        raise StudyError(f"{_place(error, path)}: {text}") from error


def _place(error: BaseException, path: Path) -> str:
    """The innermost line of the user's own code."""
    folder = path.parent.resolve()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).resolve().parent == folder]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else str(path)
