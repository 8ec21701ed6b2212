"""pydantic's errors in the words of the grammar, each with the place it was written in."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rgm_bench.config.placed import Placed, Position, plain
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.reading import described
from rgm_bench.config.shape import Place, Step, place_at
from rgm_bench.config.spec import Spec

AnySpec = TypeVar("AnySpec", bound=Spec)

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a map of keys and values",
    "model_type": "a map of keys and values",
    "model_attributes_type": "a map of keys and values",
}
_LIMITS = {
    "greater_than_equal": ("ge", "{} or more"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "{} or less"),
    "less_than": ("lt", "less than {}"),
    "multiple_of": ("multiple_of", "a multiple of {}"),
    "string_too_long": ("max_length", "at most {} letters"),
    "string_too_short": ("min_length", "at least {} letter"),
}
_PATTERNS = {
    "^[a-z0-9_]+$": "small letters, digits and _ only",
    "^[0-9a-f]{16}$": "16 hexadecimal digits",
    "^[0-9a-f]{64}$": "the 64 hexadecimal digits of a sha256",
}
_KEY = "[key]"  # pydantic's last step for an error in a key instead of a value


def validated(
    model: type[AnySpec],
    node: Placed,
    problems: Problems,
    *,
    path: Sequence[Step] = (),
    given: dict[str, Any] | None = None,
) -> AnySpec | None:
    """The spec that a placed map says, or None with every mistake in it noted.

    Args:
        model: what the map is expected to be.
        node: the map.
        problems: takes the mistakes.
        path: where the map lies in the study.
        given: fields that are not written in the map but known to the caller.
    """
    for key in set(given or {}) & set(node.entries):
        _note_given(node.entries[key], [*path, key], problems)
    values: Any = plain(node) | (given or {}) if node.is_map else plain(node)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        _note_all(error, model, node, problems, tuple(path))
        return None


def _note_given(node: Placed, path: list[Step], problems: Problems) -> None:
    text = f"unknown key; the study's own list of {path[-1]}s sets it"
    problems.add(node.key_at, path, text)


def _note_all(
    error: ValidationError,
    model: type[Spec],
    node: Placed,
    problems: Problems,
    prefix: tuple[Step, ...],
) -> None:
    details = error.errors(include_url=False, include_context=True)
    unknown = [d["loc"] for d in details if d["type"] == "extra_forbidden"]
    wrong_kinds = [d["loc"] for d in details if d["type"] == "literal_error"]
    for detail in details:
        if _follows(detail, unknown, wrong_kinds):
            continue
        if detail["type"] == "value_error":
            _note_rule(detail, model, node, problems, prefix)
        else:
            _note(detail, model, node, problems, prefix)


def _follows(
    detail: ErrorDetails, unknown: list[tuple[Step, ...]], wrong: list[tuple[Step, ...]]
) -> bool:
    """Whether a mistake goes away with another: a misspelt key, or the fields of a wrong kind."""
    location, kind = detail["loc"], detail["type"]
    if kind not in ("missing", "extra_forbidden"):
        return False
    if any(other == (*location[:-1], "kind") for other in wrong):
        return True
    beside = [other[-1] for other in unknown if other[:-1] == location[:-1]]
    return kind == "missing" and any(nearest(key, [location[-1]]) for key in beside)


def _note_rule(
    detail: ErrorDetails,
    model: type[Spec],
    node: Placed,
    problems: Problems,
    prefix: tuple[Step, ...],
) -> None:
    """A rule between fields: its text begins with the path of the field that should change."""
    base = place_at(model, detail["loc"]).path
    field, text = str(detail["ctx"]["error"] if "ctx" in detail else "").split(" ", 1)
    path = (*base, *field.split("."))
    problems.add(nearest_place(node, path).at, (*prefix, *path), text)


def _note(
    detail: ErrorDetails,
    model: type[Spec],
    node: Placed,
    problems: Problems,
    prefix: tuple[Step, ...],
) -> None:
    location = detail["loc"]
    is_key = bool(location) and location[-1] == _KEY
    place = place_at(model, location[:-1] if is_key else location)
    found = node.get(*place.path)
    parent = place_at(model, location[:-1]) if location else place
    at = _position(detail["type"], is_key, found, nearest_place(node, place.path))
    path = place.path
    if detail["type"].startswith("union_tag"):
        path, kind = (*path, "kind"), found and found.get("kind")
        at, found = (kind.at, kind) if kind else (at, found)
    text = _text(detail, found, place, parent)
    problems.add(at, (*prefix, *path), f"as a name: {text}" if is_key else text)


def _position(kind: str, is_key: bool, found: Placed | None, around: Placed) -> Position:
    if found is None:
        return around.key_at
    by_key = is_key or kind in ("extra_forbidden", "union_tag_not_found")
    return found.key_at if by_key else found.at


def nearest_place(node: Placed, path: Sequence[Step]) -> Placed:
    """The value at `path`, or the innermost one on the way that was written down."""
    for length in range(len(path), 0, -1):
        found = node.get(*path[:length])
        if found is not None:
            return found
    return node


def _text(detail: ErrorDetails, found: Placed | None, place: Place, parent: Place) -> str:
    context: dict[str, Any] = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return _unknown_key(place.path[-1], [f for f in parent.fields if f != "seed"])
        case "missing":
            return _missing(place, parent)
        case "union_tag_not_found":
            return f"missing; allowed: {listing(place.kinds)}"
        case "union_tag_invalid":
            return _not_among(found, place.kinds)
        case "literal_error":
            return _not_among(found, _choices(place))
        case "too_short" | "too_long":
            return _length(context, found)
        case _:
            return f"found {_found(found)}; expected {_expectation(detail['type'], context, found)}"


def _found(found: Placed | None) -> str:
    return described(found) if found else "nothing"


def _unknown_key(key: Step, allowed: list[str]) -> str:
    return f"unknown key; allowed here: {listing(allowed)}{nearest(key, allowed)}"


def _missing(place: Place, parent: Place) -> str:
    if not place.path or isinstance(place.path[-1], int):
        return "missing; the list is too short"
    kinds = parent.kinds if place.path[-1] == "kind" else []
    return f"missing; allowed: {listing(kinds)}" if kinds else "missing, and required here"


def _choices(place: Place) -> list[Any]:
    return [choice for option in place.options for choice in getattr(option, "__args__", ())]


def _not_among(found: Placed | None, choices: list[Any]) -> str:
    value = found.value if found else None
    return f"found {_found(found)}; allowed: {listing(choices)}{nearest(value, choices)}"


def _length(context: dict[str, Any], found: Placed | None) -> str:
    bound, side = ("min_length", "least") if "min_length" in context else ("max_length", "most")
    limit = f"at {side} {context[bound]}"
    noun = "entries" if found and found.is_map else "values"
    number = len(found.entries or found.items) if found else 0
    return f"found {number} {noun}; expected {limit}"


def _expectation(kind: str, context: dict[str, Any], found: Placed | None) -> str:
    if kind in _LIMITS:
        key, text = _LIMITS[kind]
        limit = context[key]
        return text.format(f"{limit:g}" if isinstance(limit, float) else limit)
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], "another form")
    expected = _EXPECTED.get(kind, "another value")
    return f"{expected} (drop the quotes)" if _is_quoted_number(expected, found) else expected


def _is_quoted_number(expected: str, found: Placed | None) -> bool:
    if "number" not in expected or found is None or not isinstance(found.value, str):
        return False
    try:
        float(found.value)
    except ValueError:
        return False
    return True
