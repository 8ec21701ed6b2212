"""Files of units, read back."""

import json
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, cast, get_args

from rgm_bench.config.spec import id_of
from rgm_bench.errors import DamagedError, StoreError
from rgm_bench.results.files import explain
from rgm_bench.results.proof import unsealed
from rgm_bench.results.schema import Outcome, Status, UnitKind


def read_outcome(path: str) -> Outcome | None:
    """What a unit came to, or None if there is no such file.

    Its seal and its place prove it; a result from before there were seals, its place and its spec.

    Args:
        path: `<kind>s/<id>/<digest>/result.json` in a store.

    Raises:
        DamagedError: it is no result, is of another unit, or is not as it was written.
        StoreError: the file cannot be read, or a newer version wrote it.
    """
    content = _content(path)
    if content is None:
        return None
    try:
        fields, is_sealed = unsealed(_mapping(json.loads(content)))
        if is_sealed and not fields.keys() <= _SHAPE.keys():
            raise StoreError(
                f"{path}: a newer rgm-bench wrote this result, with fields that this one does not "
                f"know ({', '.join(sorted(fields.keys() - _SHAPE.keys()))}); update it"
            )
        outcome = _outcome(fields, is_sealed)
        _check_place(outcome, path)
    except (ValueError, RecursionError) as error:
        raise DamagedError(Path(path), str(error)) from error
    return outcome


def read_curve(path: Path) -> dict[str, list[float | None]]:
    """The losses of a training: columns of equal length, `images` among them.

    Raises:
        DamagedError: the file holds something else.
    """
    try:
        columns = _mapping(json.loads(path.read_bytes()))
        if not _is_curve(columns):
            raise ValueError("expected columns of numbers of equal length, `images` among them")
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(path, str(error)) from error
    return columns


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(explain(error, Path(path))) from error


def _mapping(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"found {type(content).__name__}, expected a mapping")
    return cast("dict[str, Any]", content)


def _outcome(fields: Mapping[str, Any], is_sealed: bool) -> Outcome:
    for name, value in fields.items():
        expected, fits = _SHAPE.get(name, ("no such field", _is_none))
        if not fits(value):
            raise ValueError(f"{name}: found {str(value)[:60]!r}, expected {expected}")
    try:
        return Outcome(**fields, is_sealed=is_sealed)
    except TypeError as error:
        raise ValueError(f"not a result that this version of rgm-bench reads ({error})") from error


def _check_place(outcome: Outcome, path: str) -> None:
    """That a result lies where it was written, and, if it has no seal, is of the spec it names."""
    found = (f"{outcome.kind}s", outcome.id, outcome.digest)
    place = tuple(path.split("/")[-4:-1])
    if found != place:
        raise ValueError(f"it is of {'/'.join(found)}")
    if not outcome.is_sealed and id_of(outcome.spec) != outcome.id:
        raise ValueError(f"its spec is not that of the id {outcome.id}")


def _is_none(value: object) -> bool:
    return value is None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and isfinite(cast(float, value))


def _are_numbers(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number, cast("dict[str, Any]", value).values()))


def _are_texts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_text, cast("dict[str, Any]", value).values()))


_SHAPE: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "kind": ("a kind of unit", lambda value: value in get_args(UnitKind)),
    "id": ("text", _is_text),
    "digest": ("text", _is_text),
    "status": ("ok or diverged", lambda value: value in get_args(Status)),
    "reason": ("text or null", _is_text_or_none),
    "images": ("a number of images", _is_count),
    "spec": ("a mapping", _is_mapping),
    "metrics": ("finite numbers by name", _are_numbers),
    "cost": ("finite numbers by name", _are_numbers),
    "provenance": ("a mapping", _is_mapping),
    "gaps": ("texts by name", _are_texts),
    "files": ("texts by name", _are_texts),
    "weights": ("text or null", _is_text_or_none),
}


def _is_curve(columns: Mapping[str, Any]) -> bool:
    images = columns.get("images")
    return (
        isinstance(images, list)
        and all(map(_is_count, cast("list[Any]", images)))
        and all(_is_column(column, len(cast("list[Any]", images))) for column in columns.values())
    )


def _is_column(column: object, length: int) -> bool:
    values = cast("list[Any]", column) if isinstance(column, list) else [""]
    return len(values) == length and all(v is None or _is_number(v) for v in values)
