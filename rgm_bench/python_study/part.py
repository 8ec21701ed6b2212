"""A class of the user's own with its arguments, proved to be one before anything else happens."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, final

from rgm_bench.config.reading import shorten
from rgm_bench.errors import StudyError

MAX_LEVELS = 1000
"""Levels that a forward process may have, here as in study files."""


@final
@dataclass(frozen=True)
class Part:
    """A class with its arguments as plain JSON values, as a study in Python holds it.

    `num_levels` is that of a forward process, which a training has to know before it is built.
    """

    cls: type
    arguments: Mapping[str, Any]
    num_levels: int | None = None


def part(cls: type, /, **arguments: Any) -> Part:
    """A class of your own, to stand where a study names a part of that kind.

    One object is made at once, so that mistakes show here and not in a worker. A sampler is given
    a forward process, a network and more beside its arguments: see `rgm_bench.sampling.base`.

    Args:
        cls: a subclass of `rgm_bench.priors.base.Prior`, `rgm_bench.forward.base.ForwardProcess`,
            `rgm_bench.forward.operators.LinearOperator` or `rgm_bench.sampling.base.Sampler`,
            defined at the top of a module.
        arguments: of its constructor: numbers, texts, truth values, lists and maps of them. Tuples
            arrive as lists.

    Raises:
        StudyError: it is no such class, or refuses its arguments.
    """
    from rgm_bench.forward.base import ForwardProcess
    from rgm_bench.forward.operators import LinearOperator
    from rgm_bench.priors.base import Prior
    from rgm_bench.sampling.base import Sampler

    _require_class(cls)
    if not issubclass(cls, Prior | ForwardProcess | LinearOperator | Sampler):
        raise StudyError(
            f"{cls.__name__} is no part of a study; make it a subclass of "
            "rgm_bench.priors.base.Prior, rgm_bench.forward.base.ForwardProcess, "
            "rgm_bench.forward.operators.LinearOperator or rgm_bench.sampling.base.Sampler"
        )
    given = _plain(cls, arguments)
    if issubclass(cls, Sampler):
        _require_levels(_made(cls, given, _model()))
        return Part(cls, given)
    made = _made(cls, given)
    if isinstance(made, Prior):
        _require_that_it_learns(made)
        _require_present_names(made)
    return Part(cls, given, _num_levels(made) if isinstance(made, ForwardProcess) else None)


def _require_class(cls: object) -> None:
    if not isinstance(cls, type):
        raise StudyError(
            f"found {shorten(repr(cls))}; part takes a class, and its arguments by name: "
            "part(MyPrior, weight=0.1)"
        )
    around = cls.__qualname__.rpartition(".")[0]
    if around:
        within = around.removesuffix(".<locals>")
        raise StudyError(
            f"{cls.__name__} is defined inside {within}; move it to the top of its file"
        )


def _plain(cls: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they come out of JSON, which is how workers get them."""
    for name, value in arguments.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise StudyError(
                f"{cls.__name__}: {name} is {shorten(repr(value))}; arguments are finite numbers, "
                "texts, truth values, lists and maps of them"
            ) from None
    return json.loads(json.dumps(arguments))


def _model() -> dict[str, Any]:
    """What a sampler is given, in a form that needs no training."""
    from rgm_bench.forward.noise import NoiseForward
    from rgm_bench.models.latent import LatentDistribution

    return {
        "forward": NoiseForward(4),
        "network": lambda y, level, z: y,  # pyright: ignore[reportUnknownLambdaType] # calls only
        "latent": LatentDistribution(size=16),
        "event_shape": (1, 8, 8),
    }


def _made(
    cls: type, arguments: Mapping[str, Any], model: Mapping[str, Any] | None = None
) -> object:
    try:
        return cls(**(model or {}), **arguments)
    except Exception as error:  # whatever the user's code raises is the user's to mend
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        raise StudyError(
            f"{cls.__name__}({shorten(given)}) cannot be made: {type(error).__name__}: {error}"
        ) from error


def _require_that_it_learns(prior: Any) -> None:
    from rgm_bench.priors.base import Prior

    if type(prior).improve is not Prior.improve and not prior.learns:
        raise StudyError(
            f"{type(prior).__name__} has a method improve, which nothing calls without "
            "`learns = True` in the class"
        )


def _require_present_names(prior: object) -> None:
    if hasattr(prior, "one_level_per_batch"):
        raise StudyError(
            f"{type(prior).__name__} sets one_level_per_batch, which nothing reads any more: set "
            "one_level_per_penalty, if all samples that `penalty` is given have to have one level; "
            "`improve` is given a level for each"
        )


def _require_levels(sampler: Any) -> None:
    found: Any = getattr(sampler, "levels", None)
    is_path = isinstance(found, tuple) and len(found) > 1 and found[-1] == 0  # pyright: ignore[reportUnknownArgumentType]
    if not is_path or any(after >= before for before, after in pairwise(found)):
        raise StudyError(
            f"{type(sampler).__name__}: levels is {shorten(repr(found))}; set it in the "
            "constructor to a tuple of whole numbers that falls to 0, such as (4, 3, 2, 1, 0)"
        )


def _num_levels(forward: Any) -> int:
    found = getattr(forward, "num_levels", None)
    if isinstance(found, int) and 1 <= found <= MAX_LEVELS:
        return found
    raise StudyError(
        f"{type(forward).__name__}: num_levels is {found!r}; set it to a whole number from 1 to "
        f"{MAX_LEVELS} in the constructor"
    )
