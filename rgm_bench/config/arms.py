"""Arms: one value chosen on each axis, and the training and evaluations that this makes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import final

from rgm_bench.config.axes import PARTS, AxisOverlays
from rgm_bench.config.evaluations import Evaluation, measure_of, read_evaluation
from rgm_bench.config.messages import nearest_place, validated
from rgm_bench.config.overlay import overlay_all
from rgm_bench.config.placed import Placed, plain
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.reading import described
from rgm_bench.config.spec import (
    SNAPSHOT_SHARES,
    TrainingSpec,
    measure_misfit,
    shares_misfit,
)
from rgm_bench.config.study import AxisValue

Choice = Mapping[str, int]
"""For each axis the index of the value chosen on it."""

_NAMES = {"image_folder": "name", "cifar10": "subset", "fashion_mnist": "subset"}
"""The field that names data whose content is their owner's."""

Fingerprint = Callable[[str, str, str], str]
"""The fingerprint of the data of a kind that is its owner's, by its name and split."""


@final
class Arms:
    """The arms of one profile. Each distinct training and evaluation is validated once.

    Args:
        profile: the whole profile, its preset written out.
        axes: its axes.
        fingerprint: called for image folders and subsets; None leaves them without.
        problems: takes every mistake.
    """

    def __init__(
        self,
        profile: Placed,
        axes: tuple[AxisOverlays, ...],
        *,
        fingerprint: Fingerprint | None,
        problems: Problems,
    ) -> None:
        self._base = {part: profile.entries[part] for part in PARTS}
        self._axes, self._problems, self._fingerprint = axes, problems, fingerprint
        self._trainings: dict[tuple[int, ...], TrainingSpec | None] = {}
        self._repeats: dict[tuple[tuple[int, ...], int], TrainingSpec] = {}
        self._evaluations: dict[tuple[object, ...], Evaluation | None] = {}

    @property
    def base_training(self) -> Placed:
        """The training as it is before any axis."""
        return self._with_fingerprint(self._base["training"])

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """The evaluations, in the order of the file."""
        return tuple(self._base["evaluations"].entries)

    def axes_of(self, evaluation: str) -> tuple[AxisOverlays, ...]:
        """The axes that multiply an evaluation, in the order of the file."""
        return tuple(axis for axis in self._axes if evaluation in axis.multiplies)

    def choices(self, evaluation: str) -> Iterator[Choice]:
        """Every arm that an evaluation has, the last axis fastest, within its `where`."""
        axes = self.axes_of(evaluation)
        allowed = self._where(evaluation, axes)
        names = [axis.name for axis in axes]
        for indices in product(*(allowed[axis.name] for axis in axes)):
            yield dict(zip(names, indices, strict=True))

    def samples(self, evaluation: str) -> Iterator[Choice]:
        """The first arm, and those that differ from it on one axis: each value of each axis."""
        allowed = self._where(evaluation, self.axes_of(evaluation))
        first = {axis: indices[0] for axis, indices in allowed.items() if indices}
        if len(first) < len(allowed):
            return  # a `where` that leaves nothing is a mistake already noted
        yield first
        for axis, indices in allowed.items():
            for index in indices[1:]:
                yield {**first, axis: index}

    def labels(self, evaluation: str, choice: Choice) -> dict[str, AxisValue]:
        """The label of an arm on each axis."""
        return {axis.name: axis.labels[choice[axis.name]] for axis in self.axes_of(evaluation)}

    def training(self, choice: Choice, seed: int) -> TrainingSpec | None:
        """The training of an arm; None with its mistakes noted."""
        axes = [axis for axis in self._axes if axis.changes_training]
        key = tuple(choice[axis.name] for axis in axes)
        if key not in self._trainings:
            overs = (axis.overlays[choice[axis.name]].get("training") for axis in axes)
            node = _laid(self._base["training"], overs)
            self._trainings[key] = self._training_spec(self._with_fingerprint(node), seed)
        return self._seeded(key, seed)

    def _seeded(self, key: tuple[int, ...], seed: int) -> TrainingSpec | None:
        """The training of an arm with another seed: no rule asks for it, so nothing is checked.

        The same object each time, so that what is derived from it is derived once.
        """
        whole = self._trainings[key]
        if whole is None or whole.seed == seed:
            return whole
        if (key, seed) not in self._repeats:
            self._repeats[key, seed] = whole.model_copy(update={"seed": seed})
        return self._repeats[key, seed]

    def evaluation(self, name: str, choice: Choice) -> Evaluation | None:
        """What is measured of an arm; None with its mistakes noted."""
        axes = [axis for axis in self.axes_of(name) if name in axis.changes]
        key = (name, *(choice[axis.name] for axis in axes))
        if key not in self._evaluations:
            node = self._evaluation_node(name, choice)
            self._evaluations[key] = self._evaluation_spec(node, name)
        return self._evaluations[key]

    def _evaluation_node(self, name: str, choice: Choice) -> Placed:
        axes = (axis for axis in self.axes_of(name) if name in axis.changes)
        overs = (axis.overlays[choice[axis.name]].get("evaluations", name) for axis in axes)
        return _laid(self._base["evaluations"].entries[name], overs)

    def measured(
        self, name: str, choice: Choice, seed: int
    ) -> tuple[TrainingSpec, Evaluation] | None:
        """The training of an arm and what is measured of it; None with the mistakes noted."""
        training, evaluation = self.training(choice, seed), self.evaluation(name, choice)
        if training is None or evaluation is None:
            return None
        misfit = measure_misfit(measure_of(evaluation), training.data, training)
        misfit = misfit or shares_misfit(evaluation.at_images, training)
        if misfit is None:
            return training, evaluation
        field, text = misfit
        path = field.split(".")
        place = nearest_place(self._evaluation_node(name, choice), path)
        self._problems.add(place.at, ("evaluations", name, *path), text)
        return None

    def check_base(self, seed: int) -> None:
        """Note the mistakes in what the axes change, also where every arm hides them."""
        self._training_spec(self._base["training"], seed)
        for name, node in self._base["evaluations"].entries.items():
            self._evaluation_spec(node, name)

    def _training_spec(self, node: Placed, seed: int) -> TrainingSpec | None:
        path, given = ("training",), {"seed": seed}
        return validated(TrainingSpec, node, self._problems, path=path, given=given)

    def _evaluation_spec(self, node: Placed, name: str) -> Evaluation | None:
        path = ("evaluations", name)
        _check_shares(node, (*path, "at_images"), self._problems)
        return read_evaluation(node, self._problems, path=path)

    def _with_fingerprint(self, training: Placed) -> Placed:
        data = training.get("data")
        if self._fingerprint is None or data is None:
            return training
        return training.with_entries(
            {**training.entries, "data": fingerprinted(data, self._fingerprint, self._problems)}
        )

    def _where(self, name: str, axes: Iterable[AxisOverlays]) -> dict[str, list[int]]:
        allowed = {axis.name: list(range(len(axis.labels))) for axis in axes}
        labels = {axis.name: axis.labels for axis in axes}
        where = self._base["evaluations"].entries[name].get("where")
        for axis, wanted in (where.entries if where else {}).items():
            path = f"evaluations.{name}.where.{axis}"
            if axis not in labels:
                text = f"no axis of this evaluation is called that; there are: {listing(labels)}"
                self._problems.add(wanted.key_at, path, text + nearest(axis, labels))
                continue
            if isinstance(wanted.value, tuple) and not wanted.value:
                self._problems.add(wanted.at, path, "an empty list leaves nothing to measure")
            found = [self._index(path, value, labels[axis]) for value in _as_list(wanted)]
            allowed[axis] = sorted({index for index in found if index is not None})
        return allowed

    def _index(self, path: str, wanted: Placed, labels: tuple[AxisValue, ...]) -> int | None:
        if wanted.value in labels:
            return labels.index(plain(wanted))
        shown = ", ".join(described(Placed(label, wanted.at, wanted.at)) for label in labels)
        text = f"found {described(wanted)}; allowed: {shown}{nearest(wanted.value, labels)}"
        self._problems.add(wanted.at, path, text)
        return None


def fingerprinted(data: Placed, fingerprint: Fingerprint, problems: Problems) -> Placed:
    """An image folder or a subset with the fingerprint of what lies on this machine.

    A fingerprint that the file pins is compared with it.

    Raises:
        MissingDataError: the data are not there.
    """
    kind, split, pinned = plain(data).get("kind"), data.get("split"), data.get("fingerprint")
    name = data.get(_NAMES.get(kind, ""))
    if name is None or name.value is None:
        return data
    found = fingerprint(kind, str(name.value), str(split.value) if split else "train")
    if pinned is not None and pinned.value != found:
        text = f"found {described(pinned)}; the folder on this machine holds other pictures: "
        problems.add(pinned.at, "training.data.fingerprint", text + found)
    here = pinned or Placed(found, data.at, data.at)
    return data.with_entries({**data.entries, "fingerprint": here})


def _laid(base: Placed, overs: Iterable[Placed | None]) -> Placed:
    whole = overlay_all(base, *(over for over in overs if over is not None))
    if "preset" not in whole.entries:
        return whole
    return whole.with_entries({k: v for k, v in whole.entries.items() if k != "preset"})


def _check_shares(evaluation: Placed, path: tuple[str, ...], problems: Problems) -> None:
    shares = evaluation.get("at_images")
    seen: set[object] = set()
    for share in shares.items if shares else ():
        if not isinstance(share.value, int | float):
            continue  # said by the type of the field
        if share.value not in SNAPSHOT_SHARES:
            text = f"found {share.value}; a training keeps snapshots at these shares of its images"
            problems.add(share.at, path, f"{text}: {listing(SNAPSHOT_SHARES)}")
        elif share.value in seen:
            problems.add(share.at, path, f"found {share.value} twice; each share stands once")
        seen.add(share.value)


def _as_list(node: Placed) -> tuple[Placed, ...]:
    return node.items if isinstance(node.value, tuple) else (node,)
