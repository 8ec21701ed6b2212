"""Files that ship with rgm-bench: trainings that studies name, and the studies themselves."""

from functools import cache
from pathlib import Path

from rgm_bench.config.overlay import overlay
from rgm_bench.config.placed import Placed, Position
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.reading import described, file_text, read_text

_PRESETS = Path(__file__).parent / "presets"
_PACKAGE = Path(__file__).parents[1]


def packaged_studies() -> Path:
    """The folder of the shipped studies: in the installed package, else beside it."""
    inside = _PACKAGE / "studies"
    return inside if inside.is_dir() else _PACKAGE.parent / "studies"


@cache
def study_names() -> tuple[str, ...]:
    """The names of the shipped studies."""
    return tuple(sorted(path.stem for path in packaged_studies().glob("*.yaml")))


@cache
def preset_names() -> tuple[str, ...]:
    """The names that `preset` may have."""
    return tuple(sorted(path.stem for path in _PRESETS.glob("*.yaml")))


def with_preset(training: Placed, problems: Problems) -> Placed | None:
    """A training with its `preset` written out and its other keys laid over that.

    None, with the mistake noted, when there is no such preset.
    """
    name = training.entries.get("preset")
    if name is None:
        return training
    if name.value not in preset_names():
        allowed = listing(preset_names()) + nearest(name.value, preset_names())
        text = f"found {described(name)}; allowed: {allowed}"
        problems.add(name.at, "training.preset", text)
        return None
    beside = {key: value for key, value in training.entries.items() if key != "preset"}
    return overlay(_preset(str(name.value)), training.with_entries(beside))


@cache
def _preset(name: str) -> Placed:
    source = Position(f"preset {name}", 1, 1)
    problems = Problems()
    preset = read_text(file_text(_PRESETS / f"{name}.yaml"), source, problems)
    problems.raise_any()
    assert preset is not None
    return preset
