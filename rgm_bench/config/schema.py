"""The JSON schema of a study file, for editors: keys, kinds and ranges as one types them.

An editor sees no merges, so an overlay may leave out any field here; what is missing or does not
fit together in the end is said by the loader.
"""

from typing import Any, cast

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from rgm_bench.config.axes import PARTS
from rgm_bench.config.evaluations import EVALUATIONS
from rgm_bench.config.grammar import REQUIRED_PROFILES, Axis, Profile, StudyFile
from rgm_bench.config.packaged import preset_names
from rgm_bench.config.spec import PYTHON, PythonPartSpec, TrainingSpec
from rgm_bench.config.study import AxisValue

Json = dict[str, Any]

_OVERLAY = "Overlay"
_DEFS = "#/$defs/"


def study_schema() -> Json:
    """The schema that yaml-language-server reads: put its path in the first line of a study."""
    models = (StudyFile, TrainingSpec, *EVALUATIONS.values(), Profile, Axis)
    _, written = models_json_schema([(model, "validation") for model in models])
    definitions: Json = _without_code(written["$defs"])
    _add_evaluation(definitions)
    del definitions["TrainingSpec"]["properties"]["seed"]
    definitions["TrainingSpec"]["required"].remove("seed")
    partial = {name + _OVERLAY: _partial(body) for name, body in definitions.items()}
    definitions.update(partial)
    _add_preset(definitions)
    _add_axes(definitions)
    _fill_places(definitions)
    study = definitions.pop("StudyFile")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **study,
        "$defs": definitions,
    }


def _without_code(node: Any) -> Any:
    """The same without the parts that only a study in Python may have."""
    code = PythonPartSpec.__name__
    if isinstance(node, list):
        return [_without_code(item) for item in cast("list[Any]", node) if item != _ref(code)]
    if not isinstance(node, dict):
        return node
    entries = cast(Json, node)
    return {
        key: _without_code(value) for key, value in entries.items() if key not in (code, PYTHON)
    }


def _partial(node: Any) -> Any:
    """The same with every field optional, all the way down."""
    if isinstance(node, list):
        return [_partial(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    entries = cast(Json, node)
    return dict(_partial_entry(key, value) for key, value in entries.items() if _stays(key, value))


def _stays(key: str, value: Any) -> bool:
    return not (
        (key == "required" and isinstance(value, list))
        or (key == "discriminator" and "propertyName" in value)
        or key == "default"
    )


def _partial_entry(key: str, value: Any) -> tuple[str, Any]:
    if key == "$ref":
        return key, value + _OVERLAY
    # Without its kind, a part may be of several kinds at once.
    return ("anyOf" if key == "oneOf" else key), _partial(value)


def _ref(name: str) -> Json:
    return {"$ref": _DEFS + name}


def _map_of(value: Json) -> Json:
    return {"type": "object", "additionalProperties": value}


def _or_null(value: Json) -> Json:
    """The same, or null, which takes away what an overlay is laid over."""
    return {"anyOf": [value, {"type": "null"}]}


def _entries_or_null(named: Json) -> Json:
    """A map of which an overlay may leave out entries."""
    patterns: Json = named["patternProperties"]
    left_out = {name: _or_null(entry) for name, entry in patterns.items()}
    return {**named, "patternProperties": left_out}


def _add_evaluation(definitions: Json) -> None:
    """An evaluation is of one of several kinds, which the loader picks by hand."""
    kinds = {kind: _ref(model.__name__) for kind, model in EVALUATIONS.items()}
    mapping = {kind: reference["$ref"] for kind, reference in kinds.items()}
    definitions["Evaluation"] = {
        "description": "A measurement of each training, at shares of its images.",
        "oneOf": list(kinds.values()),
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }


def _add_preset(definitions: Json) -> None:
    overlay = definitions["TrainingSpec" + _OVERLAY]
    overlay["properties"]["preset"] = {
        "enum": list(preset_names()),
        "description": "A packaged training; the keys beside it are laid over it.",
    }


def _add_axes(definitions: Json) -> None:
    overlay = {
        "type": "object",
        "additionalProperties": False,
        "properties": dict(zip(PARTS, _overlays(), strict=True)),
    }
    scalars = TypeAdapter(AxisValue).json_schema()
    listed = {"type": "array", "minItems": 1, "items": scalars}
    for name, value in (("Axis", overlay), ("Axis" + _OVERLAY, _or_null(overlay))):
        definitions[name]["properties"]["values"] = {"anyOf": [listed, _map_of(value)]}


def _overlays() -> tuple[Json, Json]:
    return _ref("TrainingSpec" + _OVERLAY), _map_of(_ref("Evaluation" + _OVERLAY))


def _fill_places(definitions: Json) -> None:
    """Put the parts where the grammar's own models only say that there is a map."""
    training, evaluations = _overlays()
    base, study = definitions["Base"]["properties"], definitions["StudyFile"]["properties"]
    profile = definitions["ProfileOverlay"]["properties"]
    whole: Json = definitions.pop("Profile")["properties"]
    for key in ("seeds", "report"):
        study[key] = profile[key] = whole[key]
    claims = _entries_or_null(_partial(whole["claims"]))
    searched = definitions["SearchSpec" + _OVERLAY]["properties"]
    searched["space"] = _entries_or_null(searched["space"])
    study["claims"], profile["claims"] = whole["claims"], claims
    study["resources"], profile["resources"] = _ref("Resources"), _ref("Resources" + _OVERLAY)
    study["gate"], profile["gate"] = whole["gate"], _partial(whole["gate"])
    study["tuned"], profile["tuned"] = whole["tuned"], _partial(whole["tuned"])
    study["search"], profile["search"] = whole["search"], _partial(whole["search"])
    base["training"] = {
        "if": {"required": ["preset"]},
        "then": training,
        "else": _ref("TrainingSpec"),
    }
    base["evaluations"] = _map_of(_ref("Evaluation"))
    study["axes"], profile["axes"] = _map_of(_ref("Axis")), _map_of(_ref("Axis" + _OVERLAY))
    or_left_out = _map_of(_or_null(evaluations["additionalProperties"]))
    profile |= {"title": whole["title"], "training": training, "evaluations": or_left_out}
    study["profiles"]["required"] = list(REQUIRED_PROFILES)
