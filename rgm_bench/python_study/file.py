"""A Python file as a module, for as long as its study is read."""

import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import final

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
def _importable(folder: Path, files: Mapping[str, Path]) -> Generator[None]:
    """These files are the modules of their names, and new; else the folder is looked at last.

    Were it looked at first, what libraries import meanwhile would be found in it, too.
    """
    before = {name: sys.modules.pop(name) for name in files if name in sys.modules}
    finder = _Finder(files)
    sys.meta_path.insert(0, finder)
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.meta_path.remove(finder)
        for name in files:
            sys.modules.pop(name, None)
        sys.modules.update(before)


@final
class _Finder(MetaPathFinder):
    """Finds the files of a study, and nothing else."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where the module of this name is, if it is one of them."""
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


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
