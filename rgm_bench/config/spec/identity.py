"""The one text of a spec, the id that it hashes to, and the spec that such a text stands for."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from rgm_bench.config.spec.base import Spec, added_below, added_fields

AnySpec = TypeVar("AnySpec", bound=Spec)

Defaults = Mapping[str, Any]
"""Values of fields that were added later, each under the kind of its spec: `dswd.revision`."""


def canonical_fields(spec: Spec) -> dict[str, Any]:
    """The fields of a spec as plain JSON values.

    Without those that were added later and say what a spec without them means.
    """
    fields: dict[str, Any] = spec.model_dump(mode="json")
    _leave_out(spec, fields)
    return fields


def _leave_out(spec: Spec, fields: dict[str, Any]) -> None:
    for name in added_below(type(spec)):
        value = getattr(spec, name)
        if isinstance(value, Spec):
            _leave_out(value, fields[name])
    for name, meant in added_fields(type(spec)).items():
        if fields[name] == meant:
            del fields[name]


def canonical_json(spec: Spec) -> str:
    """The one text of a spec: its canonical fields, keys sorted, no white space."""
    return _text(canonical_fields(spec))


def spec_id(spec: Spec) -> str:
    """16 hexadecimal digits that name a spec: equal for equal results, whatever file asked."""
    return id_of(canonical_fields(spec))


def id_of(fields: Mapping[str, Any]) -> str:
    """`spec_id` of the spec that has these canonical fields."""
    return hashlib.sha256(_text(fields).encode()).hexdigest()[:16]


def _text(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)


def stored_spec(kind: type[AnySpec], fields: Mapping[str, Any]) -> AnySpec:
    """The spec whose canonical fields these are, whichever version wrote them."""
    return as_stored(kind.model_validate(fields, strict=False))


def as_stored(spec: AnySpec, defaults: Defaults | None = None) -> AnySpec:
    """A spec that was read without fields which were added later, with what it meant by that.

    Args:
        spec: as it was read, with the defaults of today.
        defaults: those of the day it was written, where they are known and say something else than
            a spec from before the field.
    """
    changed: dict[str, Any] = {}
    for name, value in vars(spec).items():
        if isinstance(value, Spec) and (stored := as_stored(value, defaults)) is not value:
            changed[name] = stored
    for name, meant in added_fields(type(spec)).items():
        if name not in spec.model_fields_set:
            changed[name] = (defaults or {}).get(_key(spec, name), meant)
    return spec.model_copy(update=changed) if changed else spec


def new_defaults(spec: Spec) -> dict[str, Any]:
    """The defaults that say something else than a spec from before their field, in these kinds."""
    found: dict[str, Any] = {}
    for value in vars(spec).values():
        if isinstance(value, Spec):
            found |= new_defaults(value)
    for name, meant in added_fields(type(spec)).items():
        default = type(spec).model_fields[name].default
        if default != meant:
            found[_key(spec, name)] = default
    return found


def earlier_revisions(spec: Spec) -> Iterator[str]:
    """The corrections that a spec was computed without, in words."""
    for value in vars(spec).values():
        if isinstance(value, Spec):
            yield from earlier_revisions(value)
    revision = type(spec).model_fields.get("revision")
    found = vars(spec).get("revision")
    if revision and found != revision.default:
        yield f"`{vars(spec)['kind']}` of revision {found} ({revision.description})"


def _key(spec: Spec, name: str) -> str:
    return f"{vars(spec)['kind']}.{name}"
