"""Whether a claim names axes, labels, evaluations and metrics that there are."""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from rgm_bench.config.axes import AxisOverlays
from rgm_bench.config.claim import (
    ClaimSpec,
    ComparisonClaimSpec,
    InteriorMinimumClaimSpec,
    OrderingClaimSpec,
    WithinClaimSpec,
)
from rgm_bench.config.placed import Placed, Position, plain
from rgm_bench.config.problems import Problems, listing, nearest
from rgm_bench.config.reading import described
from rgm_bench.config.study import AxisValue

CLAIM_METRICS = {
    "generate": ("fid", "inception_score", "kid", "precision", "recall"),
    "points": ("w2", "sliced_w2", "mmd", "modes_covered", "good_share"),
    "restore": ("psnr", "ssim"),
    "latent_diversity": ("latent_diversity",),
}
"""What each kind of evaluation measures."""

Axes = Mapping[str, tuple[AxisValue, ...]]
"""The axes that an evaluation has arms on, with their labels."""


def check_claims(
    claims: Mapping[str, ClaimSpec],
    profile: Placed,
    axes: Iterable[AxisOverlays],
    problems: Problems,
) -> None:
    """Note every name in the claims of a profile that is not there."""
    known = {axis.name: axis for axis in axes}
    for name, claim in claims.items():
        _Check(name, claim, profile, known, problems).run()


class _Check:
    """One claim against the axes and evaluations of a profile."""

    def __init__(
        self,
        name: str,
        claim: ClaimSpec,
        profile: Placed,
        axes: Mapping[str, AxisOverlays],
        problems: Problems,
    ) -> None:
        self._name, self._claim, self._profile = name, claim, profile
        self._axes, self._problems = axes, problems

    def run(self) -> None:
        evaluation = self._evaluation()
        if evaluation is None:
            return
        metrics = _metrics(self._profile, evaluation)
        self._require(f"metric of {evaluation}", self._claim.metric, metrics, "metric")
        if self._claim.metric == "latent_diversity" and self._claim.kind != "ordering":
            self._note("latent_diversity is neither good nor bad: state an ordering", "kind")
        here = self._measured(evaluation)
        fixed = self._labels(self._claim.at, here, "at")
        match self._claim:
            case ComparisonClaimSpec():
                this = self._labels(self._claim.this, here, "this")
                than = self._labels(self._claim.than, here, "than")
                self._compared_and_fixed(fixed & (this | than))
                if {*fixed, *this, *than} <= set(here):  # a misspelt axis was said already
                    self._all_fixed(fixed | (this & than), here)
                if self._claim.this == self._claim.than:
                    self._note("found the arm that it is compared with; name another", "this")
            case OrderingClaimSpec():
                self._axis(self._claim.over, here, fixed)
                self._order(self._claim, here)
            case InteriorMinimumClaimSpec():
                labels = self._axis(self._claim.over, here, fixed)
                if labels and len(labels) < 3:
                    text = f"{self._claim.over} has no label between its ends; 3 are needed"
                    self._note(text, "over")
            case WithinClaimSpec():
                self._range(self._claim, self._axis(self._claim.over, here, fixed))
            case _:
                assert_never(self._claim)

    @property
    def _an_axis(self) -> str:
        return f"axis of {self._claim.evaluation}" if self._claim.evaluation else "axis"

    def _measured(self, evaluation: str) -> Axes:
        """The labels that an evaluation has arms for: its `where` may leave some out."""
        where = self._profile.get("evaluations", evaluation, "where")
        wanted = {
            name: _as_tuple(plain(node)) for name, node in (where.entries if where else {}).items()
        }
        return {
            name: tuple(label for label in axis.labels if label in wanted.get(name, axis.labels))
            for name, axis in self._axes.items()
            if evaluation in axis.multiplies
        }

    def _evaluation(self) -> str | None:
        names = tuple(self._profile.entries["evaluations"].entries)
        if self._claim.evaluation is None:
            if len(names) == 1:
                return names[0]
            self._note(
                f"missing; the study has several evaluations: {listing(names)}", "evaluation"
            )
            return None
        known = self._require("evaluation", self._claim.evaluation, names, "evaluation")
        return self._claim.evaluation if known else None

    def _axis(self, over: str, here: Axes, fixed: set[str]) -> tuple[AxisValue, ...]:
        """The labels along the axis of a claim; none if there is no such axis."""
        if not self._require(self._an_axis, over, here, "over"):
            return ()
        self._compared_and_fixed(fixed & {over})
        if fixed <= set(here):
            self._all_fixed({*fixed, over}, here)
        return here[over]

    def _order(self, claim: OrderingClaimSpec, here: Axes) -> None:
        for index, label in enumerate(claim.order):
            if label in claim.order[:index]:
                self._note(f"found {label} twice; each label stands once", "order", index)
            elif claim.over in here and label not in here[claim.over]:
                self._not_there(label, claim.over, here, "order", index)

    def _range(self, claim: WithinClaimSpec, labels: tuple[AxisValue, ...]) -> None:
        numbers = [label for label in labels if not isinstance(label, str | bool)]
        inside = [number for number in numbers if claim.low <= number <= claim.high]
        if len(numbers) < len(labels):
            self._note(f"a range needs an axis of numbers; {claim.over} has words", "over")
        elif labels and len(inside) in (0, len(labels)):
            which = "all" if inside else "none"
            text = f"{which} of {listing(labels)} lie between {claim.low:g} and {claim.high:g}"
            self._note(f"{text}: some must, and some not", "low")

    def _labels(self, labels: Mapping[str, Any], here: Axes, field: str) -> set[str]:
        for axis, label in labels.items():
            if self._require(self._an_axis, axis, here, field) and label not in here[axis]:
                self._not_there(label, axis, here, field, axis)
        return set(labels)

    def _not_there(self, label: Any, axis: str, here: Axes, *below: str | int) -> None:
        found = described(Placed(label, Position(""), Position("")))
        text = f"found {found}; allowed on {axis}: {listing(here[axis])}"
        self._note(text + nearest(label, here[axis]), *below)

    def _compared_and_fixed(self, axes: set[str]) -> None:
        for axis in sorted(axes):
            self._note("this axis is what the claim compares; leave it out here", "at", axis)

    def _all_fixed(self, fixed: set[str], here: Axes) -> None:
        free = [name for name, labels in here.items() if name not in fixed and len(labels) > 1]
        if free:
            self._note(f"the claim says nothing of the axis {free[0]}; fix it under at", "at")

    def _require(self, noun: str, name: str, known: Iterable[str], *below: str) -> bool:
        if name in known:
            return True
        text = f'no {noun} is called "{name}"; there are: {listing(known)}{nearest(name, known)}'
        self._note(text, *below)
        return False

    def _note(self, text: str, *below: str | int) -> None:
        path = ("claims", self._name, *below)
        place = next(
            found
            for length in range(len(path), 0, -1)
            if (found := self._profile.get(*path[:length])) is not None
        )
        self._problems.add(place.at, path, text)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _metrics(profile: Placed, evaluation: str) -> tuple[str, ...]:
    kind = profile.get("evaluations", evaluation, "kind")
    return CLAIM_METRICS.get(str(kind.value), ()) if kind else ()
