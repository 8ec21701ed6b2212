"""What the specs allow at a place: read from the pydantic models, so that it is said only once."""

import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from rgm_bench.config.spec import PYTHON

Step = str | int


@dataclass(frozen=True)
class Place:
    """A place in a tree of specs: its path as the file writes it, and what may stand there."""

    path: tuple[Step, ...]
    options: tuple[Any, ...]

    @property
    def fields(self) -> list[str]:
        """Keys allowed here."""
        names = [name for model in _models(self.options) for name in model.model_fields]
        return list(dict.fromkeys(names))

    @property
    def kinds(self) -> list[str]:
        """Values that `kind` may have here."""
        kinds = [kind for model in _models(self.options) for kind in kinds_of(model)]
        return [kind for kind in kinds if kind != PYTHON]


def place_at(model: type[BaseModel], location: Sequence[Step]) -> Place:
    """The place that pydantic calls `location`, without the kinds it mixes into it."""
    path: list[Step] = []
    options: tuple[Any, ...] = (model,)
    for step in location:
        chosen = _of_kind(options, step)
        if chosen:
            options = chosen
        else:
            path.append(step)
            options = tuple(_below(options, step))
    return Place(tuple(path), options)


def kinds_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The kinds that a model stands for; none if it has no `kind`."""
    kind = model.model_fields.get("kind")
    return get_args(kind.annotation) if kind else ()


def options_of(annotation: Any) -> Iterable[Any]:
    """The members of a union, or the one type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from options_of(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from options_of(member)
    else:
        yield annotation


def _models(options: Iterable[Any]) -> list[type[BaseModel]]:
    return [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]


def _of_kind(options: tuple[Any, ...], step: Step) -> tuple[Any, ...]:
    models = _models(options)
    return tuple(m for m in models if step in kinds_of(m)) if len(models) > 1 else ()


def _below(options: tuple[Any, ...], step: Step) -> Iterable[Any]:
    for option in options:
        arguments = get_args(option)
        if get_origin(option) is tuple and isinstance(step, int):
            yield from options_of(arguments[0 if arguments[-1] is ... else step % len(arguments)])
        elif get_origin(option) is dict:
            yield from options_of(arguments[1])
        elif get_origin(option) is not Literal:
            for model in _models([option]):
                field = model.model_fields.get(str(step))
                yield from options_of(field.annotation) if field else ()
