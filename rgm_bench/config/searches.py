"""Searches: whether what a study file says of one fits its evaluations, and its trials."""

from collections.abc import Iterator, Sequence
from typing import final

from rgm_bench.config.arms import Arms, Fingerprint
from rgm_bench.config.axes import AxisOverlays, axis_of
from rgm_bench.config.claim_names import CLAIM_METRICS
from rgm_bench.config.expand import trials_of
from rgm_bench.config.overlay import overlay
from rgm_bench.config.placed import Placed, nested
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.search import (
    CONFIRMED,
    COST_OBJECTIVES,
    TRIAL,
    ConfirmSpec,
    Dimension,
    GridSearchSpec,
    Range,
    Search,
    SearchSpec,
    Values,
)
from rgm_bench.config.space import Space
from rgm_bench.config.spec import SNAPSHOT_SHARES
from rgm_bench.config.trial import AxisValue, Trial
from rgm_bench.errors import StudyError


def check_search(
    spec: SearchSpec, space: Space, profile: Placed, seeds: Sequence[int], problems: Problems
) -> None:
    """Note what a search asks for that its study does not have."""
    check = _Check(spec, profile, problems)
    check.objectives()
    check.pruner()
    if isinstance(spec.sampler, GridSearchSpec):
        check.grid(space)
    if spec.confirm:
        check.confirm(spec.confirm, seeds)


def sample_axis(space: Space, evaluations: frozenset[str]) -> AxisOverlays:
    """The trials to try on, as an axis: what one of them may not be is a mistake in the file."""
    overlays: dict[AxisValue, Placed] = {
        index: space.overlay(values) for index, values in enumerate(space.samples())
    }
    return axis_of(TRIAL, overlays, evaluations)


def grid(dimensions: Sequence[Dimension]) -> Iterator[Values]:
    """Every combination of listed values once, the last parameter fastest."""
    yield from _grid(dimensions, {})


def _grid(dimensions: Sequence[Dimension], chosen: Values) -> Iterator[Values]:
    if not dimensions:
        yield chosen
        return
    first, *rest = dimensions
    assert not isinstance(first.domain, Range)
    for value in first.domain if first.is_used(chosen) else (None,):
        yield from _grid(rest, chosen if value is None else {**chosen, first.name: value})


def objectives_of(spec: SearchSpec, profile: Placed) -> tuple[tuple[str, str], ...]:
    """Evaluation and metric of each objective."""
    first = next(iter(profile.entries["evaluations"].entries))
    return tuple((objective.evaluation or first, objective.metric) for objective in spec.objectives)


@final
class SearchTrials:
    """The trials of a search, each as its values ask for it.

    Args:
        spec: the search.
        space: its parameters.
        profile: the profile it searches.
        seeds: of every trial.
        fingerprint: of image folders.
    """

    def __init__(
        self,
        spec: SearchSpec,
        space: Space,
        profile: Placed,
        seeds: tuple[int, ...],
        fingerprint: Fingerprint,
    ) -> None:
        self._spec, self._space, self._profile = spec, space, profile
        self._seeds, self._fingerprint = seeds, fingerprint
        self._judged = dict.fromkeys(name for name, _ in objectives_of(spec, profile))

    def search(self) -> Search:
        """The search, with its trials to come."""
        objectives = objectives_of(self._spec, self._profile)
        return Search(self._spec, self._space.dimensions, objectives, self.trials)

    def trials(self, number: int, values: Values, share: float, confirm: bool) -> tuple[Trial, ...]:
        """What is measured of a trial once so much of its training is done.

        Args:
            number: of the trial.
            values: of its parameters.
            share: of the training's images; below 1 only what decides whether it goes on.
            confirm: with the seeds and the real images that confirm.

        Raises:
            StudyError: values that do not fit together, which only this trial has.
        """
        over = self._space.overlay(values)
        names = tuple(self._profile.entries["evaluations"].entries)
        if share < 1 or confirm:
            names = tuple(self._judged)
        for name in names if share < 1 else ():
            over = overlay(over, self._at(name, share))
        seeds = self._seeds
        if confirm:
            assert self._spec.confirm
            over, seeds = self._confirming(over, self._spec.confirm), self._spec.confirm.seeds
        problems = Problems()
        evaluations = frozenset(self._profile.entries["evaluations"].entries)
        axis = axis_of(TRIAL, {number: over}, evaluations)
        arms = Arms(self._profile, (axis,), fingerprint=self._fingerprint, problems=problems)
        found = trials_of(arms, seeds, problems, evaluations=names)
        trials = tuple(_confirmed(trial) if confirm else trial for trial in found)
        _raise_of_trial(number, values, problems)
        return trials

    def _at(self, evaluation: str, share: float) -> Placed:
        at = self._profile.entries["evaluations"].entries[evaluation].at
        shares = Placed((Placed(share, at, at),), at, at)
        return nested(("evaluations", evaluation, "at_images"), shares, at)

    def _confirming(self, over: Placed, confirm: ConfirmSpec) -> Placed:
        for name in self._judged:
            over = overlay(over, self._at(name, 1.0))
            if confirm.reference_split:
                at = self._profile.entries["evaluations"].entries[name].at
                split = Placed(confirm.reference_split, at, at)
                path = ("evaluations", name, "reference", "split")
                over = overlay(over, nested(path, split, at))
        return over


def _confirmed(trial: Trial) -> Trial:
    return Trial(trial.labels, trial.seed, trial.evaluation + CONFIRMED, trial.spec)


def _raise_of_trial(number: int, values: Values, problems: Problems) -> None:
    try:
        problems.raise_any()
    except StudyError as error:
        said = ", ".join(f"{name} {value}" for name, value in values.items())
        raise StudyError(
            f"trial {number} of the search ({said}) cannot be trained; give a parameter a `when`, "
            f"so that its values never meet these:\n{error}"
        ) from error


class _Check:
    """The parts of a search against the evaluations of its profile."""

    def __init__(self, spec: SearchSpec, profile: Placed, problems: Problems) -> None:
        self._spec, self._profile, self._problems = spec, profile, problems
        self._evaluations = profile.entries["evaluations"].entries

    def objectives(self) -> None:
        for index, objective in enumerate(self._spec.objectives):
            path = ("search", "objectives", index)
            name = objective.evaluation
            if name is None and len(self._evaluations) > 1:
                text = f"expected `evaluation`, one of: {listing(self._evaluations)}"
                self._note(path, text)
                continue
            name = name or next(iter(self._evaluations))
            if name not in self._evaluations:
                text = f'no evaluation is called "{name}"; there are: {listing(self._evaluations)}'
                self._note((*path, "evaluation"), text + nearest(name, self._evaluations))
                continue
            self._metric(name, objective.metric, (*path, "metric"))
            self._whole_training(name)

    def _metric(self, name: str, metric: str, path: tuple[str | int, ...]) -> None:
        kind = self._evaluations[name].get("kind")
        scores = CLAIM_METRICS.get(str(kind.value) if kind else "", ())
        known = [score for score in scores if score != "latent_diversity"] + [*COST_OBJECTIVES]
        if metric not in known:
            text = f'no objective of {name} is called "{metric}"; there are: {listing(known)}'
            self._note(path, text + nearest(metric, known))

    def _whole_training(self, name: str) -> None:
        shares = self._evaluations[name].get("at_images")
        if shares and 1.0 not in [share.value for share in shares.items]:
            text = "a search judges whole trainings: expected 1.0 among the shares"
            self._problems.add(shares.at, ("evaluations", name, "at_images"), text)

    def pruner(self) -> None:
        pruner, path = self._spec.pruner, ("search", "pruner")
        if pruner is None:
            return
        first, *others = self._spec.objectives
        if others:
            self._note(path, "rungs rank trials by one objective; found several")
        elif first.metric in COST_OBJECTIVES:
            self._note(path, "rungs rank trials by a score, and a cost is known beforehand")
        early = [share for share in SNAPSHOT_SHARES if share < 1]
        for index, rung in enumerate(pruner.rungs):
            if rung not in early:
                text = f"found {rung:g}; a training keeps snapshots at: {listing(early)}"
                self._note((*path, "rungs", index), text)
        if list(pruner.rungs) != sorted(set(pruner.rungs)):
            self._note((*path, "rungs"), "expected rungs that grow")

    def grid(self, space: Space) -> None:
        path = ("search", "sampler")
        ranges = [d.name for d in space.dimensions if isinstance(d.domain, Range)]
        if ranges:
            text = f"a grid needs values for each parameter; ranges have: {listing(ranges)}"
            self._note(path, text)
            return
        count = sum(1 for _ in grid(space.dimensions))
        if self._spec.trials > count:
            text = f"found {self._spec.trials}; the grid has {count} combinations"
            self._note(("search", "trials"), text)

    def confirm(self, confirm: ConfirmSpec, seeds: Sequence[int]) -> None:
        path = ("search", "confirm")
        for index, seed in enumerate(confirm.seeds):
            if seed in seeds or seed in confirm.seeds[:index]:
                text = f"found {seed} twice; other seeds confirm than those that chose"
                self._note((*path, "seeds", index), text)
        if confirm.reference_split is None:
            return
        for name in {name for name, _ in objectives_of(self._spec, self._profile)}:
            node = self._evaluations.get(name)
            kind = node.get("kind") if node else None
            if kind and kind.value != "generate":
                text = f"{name} is of kind {kind.value}, which names no images for a reference"
                self._note((*path, "reference_split"), text)

    def _note(self, path: tuple[str | int, ...], text: str) -> None:
        found = self._profile.get(*path) or self._profile.entries["search"]
        self._problems.add(found.at, path, text)
