"""The space of a search: every trial of it as one overlay over the base."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import final

from rgm_bench.config.axes import AxisOverlays, axis_of, field_path, read_axis
from rgm_bench.config.evaluations import EVALUATIONS
from rgm_bench.config.overlay import overlay_all
from rgm_bench.config.placed import Placed, nested, plain
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.reading import described
from rgm_bench.config.search import Dimension, Parameter, Range, Values
from rgm_bench.config.shape import place_at
from rgm_bench.config.spec import TrainingSpec
from rgm_bench.config.trial import AxisValue

MAX_COMBINATIONS = 256
"""Combinations of listed values that are checked before a search begins."""


@final
@dataclass(frozen=True)
class ReadParameter:
    """A parameter with the overlay of each of its values, or of the ends of its range."""

    dimension: Dimension
    axis: AxisOverlays
    path: tuple[str, ...] = ()
    """The steps to the field, for numbers between the ends."""

    def overlay(self, value: AxisValue) -> Placed:
        """What `value` changes."""
        if value in self.axis.labels:
            return self.axis.overlays[self.axis.labels.index(value)]
        at = self.axis.overlays[0].at
        return nested(self.path, Placed(value, at, at), at)

    def samples(self) -> tuple[AxisValue, ...]:
        """Every value, or the ends of the range."""
        return self.axis.labels


@final
@dataclass(frozen=True)
class Space:
    """The parameters of a search, in the order of the file."""

    parameters: tuple[ReadParameter, ...]

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What a sampler has to know of them."""
        return tuple(parameter.dimension for parameter in self.parameters)

    def overlay(self, values: Values) -> Placed:
        """All that the parameters in `values` change, the later ones last."""
        used = (p for p in self.parameters if p.dimension.name in values)
        return overlay_all(*(p.overlay(values[p.dimension.name]) for p in used))

    def samples(self) -> Iterator[Values]:
        """Trials to try on: each value of each parameter, and combinations of listed values."""
        yield self._complete({})
        for parameter in self.parameters:
            dimension = parameter.dimension
            for value in parameter.samples():
                yield self._complete(self._needed_by(dimension) | {dimension.name: value})
        listed = [p for p in self.parameters if not isinstance(p.dimension.domain, Range)]
        combinations = product(*(p.samples() for p in listed))
        for chosen in islice(combinations, MAX_COMBINATIONS):
            names = (parameter.dimension.name for parameter in listed)
            yield self._complete(dict(zip(names, chosen, strict=True)))

    def _needed_by(self, dimension: Dimension) -> dict[str, AxisValue]:
        """Values of earlier parameters with which a parameter is used."""
        needed: dict[str, AxisValue] = {}
        for name, some in dimension.when.items():
            earlier = next(d for d in self.dimensions if d.name == name)
            needed |= self._needed_by(earlier) | {name: some[0]}
        return needed

    def _complete(self, given: Mapping[str, AxisValue]) -> Values:
        values: dict[str, AxisValue] = {}
        for parameter in self.parameters:
            dimension = parameter.dimension
            if dimension.is_used(values):
                values[dimension.name] = given.get(dimension.name, parameter.samples()[0])
        return values


def read_space(
    profile: Placed, parameters: Mapping[str, Parameter], problems: Problems
) -> Space | None:
    """The space of a profile; None with its mistakes noted."""
    evaluations = frozenset(profile.entries["evaluations"].entries)
    node = profile.get("search", "space")
    assert node is not None
    before = len(problems)
    read: list[ReadParameter] = []
    for name, parameter in parameters.items():
        reader = _Reader(name, parameter, node.entries[name], evaluations, problems)
        found = reader.read([p.dimension for p in read])
        read += [found] if found else []
    return None if len(problems) > before else Space(tuple(read))


class _Reader:
    """One parameter of a space, as it is written."""

    def __init__(
        self,
        name: str,
        parameter: Parameter,
        node: Placed,
        evaluations: frozenset[str],
        problems: Problems,
    ) -> None:
        self._name, self._parameter, self._node = name, parameter, node
        self._evaluations, self._problems = evaluations, problems
        self._path = f"search.space.{name}"

    def read(self, earlier: list[Dimension]) -> ReadParameter | None:
        before = len(self._problems)
        when = self._when(earlier)
        listed = "values" in self._node.entries
        found = self._values(when) if listed else self._range(when)
        return found if len(self._problems) == before else None

    def _values(self, when: Mapping[str, tuple[AxisValue, ...]]) -> ReadParameter | None:
        for key in ("low", "high", "log"):
            if key in self._node.entries:
                self._note(key, "a parameter has either values or a range; found both")
        axis = read_axis(self._name, self._node, self._evaluations, self._problems, path=self._path)
        return axis and ReadParameter(Dimension(self._name, axis.labels, when), axis)

    def _range(self, when: Mapping[str, tuple[AxisValue, ...]]) -> ReadParameter | None:
        low, high = self._parameter.low, self._parameter.high
        field = self._node.get("field")
        if low is None or high is None or field is None:
            text = "expected `field` with `low` and `high`, or `values` as an axis has them"
            self._problems.add(self._node.key_at, self._path, text)
            return None
        if low >= high:
            self._note("high", f"found {high:g}; expected more than low, which is {low:g}")
        if self._parameter.log and low <= 0:
            self._note("low", f"found {low:g}; a logarithm needs more than 0")
        path = tuple(field_path(self._path, field, self._evaluations, self._problems))
        if not _takes_fractions(path) and low.is_integer() and high.is_integer():
            low, high = int(low), int(high)
        steps: dict[AxisValue, Placed] = {}
        for key, value in (("low", low), ("high", high)):
            at = self._node.entries[key].at
            steps[value] = nested(path, Placed(value, at, at), at)
        domain = Range(low, high, self._parameter.log)
        dimension = Dimension(self._name, domain, when)
        return ReadParameter(dimension, axis_of(self._name, steps, self._evaluations), path)

    def _when(self, earlier: list[Dimension]) -> dict[str, tuple[AxisValue, ...]]:
        known = {d.name: d.domain for d in earlier if not isinstance(d.domain, Range)}
        found: dict[str, tuple[AxisValue, ...]] = {}
        written = self._node.get("when")
        for name, node in (written.entries if written else {}).items():
            path = f"{self._path}.when.{name}"
            if name not in known:
                text = "no parameter before this one is called that and has values; there are: "
                self._problems.add(node.key_at, path, text + listing(known) + nearest(name, known))
                continue
            items = node.items if isinstance(node.value, tuple) else (node,)
            for item in items:
                if item.value not in known[name]:
                    text = f"found {described(item)}; allowed: {listing(known[name])}"
                    self._problems.add(item.at, path, text + nearest(item.value, known[name]))
            found[name] = tuple(plain(item) for item in items)
            if not items:
                self._problems.add(node.at, path, "an empty list leaves the parameter without use")
        return found

    def _note(self, key: str, text: str) -> None:
        self._problems.add(self._node.entries[key].at, f"{self._path}.{key}", text)


def _takes_fractions(path: tuple[str, ...]) -> bool:
    """Whether the field at `path` may be a number that is not whole."""
    part, *below = path
    models = [TrainingSpec] if part == "training" else list(EVALUATIONS.values())
    steps = below if part == "training" else below[1:]
    return any(float in place_at(model, steps).options for model in models)
