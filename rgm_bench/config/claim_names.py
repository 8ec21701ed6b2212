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
from rgm_bench.config.placed import Placed
from rgm_bench.config.problems import Problems, listing, nearest

CLAIM_METRICS = {
    "generate": ("fid", "inception_score", "kid", "precision", "recall"),
    "points": ("w2", "sliced_w2", "mmd", "modes_covered", "good_share"),
    "restore": ("psnr", "ssim"),
    "latent_diversity": ("latent_diversity",),
}
"""What each kind of evaluation measures."""


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
        self._require("metric", self._claim.metric, _metrics(self._profile, evaluation), "metric")
        if self._claim.metric == "latent_diversity" and self._claim.kind != "ordering":
            self._note("latent_diversity is neither good nor bad: state an ordering", "kind")
        here = {n: axis for n, axis in self._axes.items() if evaluation in axis.multiplies}
        fixed = self._labels(self._claim.at, here, "at")
        match self._claim:
            case ComparisonClaimSpec():
                this = fixed | self._labels(self._claim.this, here, "this")
                than = fixed | self._labels(self._claim.than, here, "than")
                self._all_fixed(this & than, here)
                if self._claim.this == self._claim.than:
                    self._note("found the arm that it is compared with; name another", "this")
            case OrderingClaimSpec():
                self._axis(here, fixed)
                for label in self._claim.order:
                    self._labels({self._claim.over: label}, here, "order")
            case InteriorMinimumClaimSpec():
                axis = self._axis(here, fixed)
                if axis and len(axis.labels) < 3:
                    self._note(f"{axis.name} has no label between its ends; 3 are needed", "over")
            case WithinClaimSpec():
                axis = self._axis(here, fixed)
                if axis and any(isinstance(label, str | bool) for label in axis.labels):
                    self._note(f"a range needs an axis of numbers; {axis.name} has words", "over")
            case _:
                assert_never(self._claim)

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

    def _axis(self, here: Mapping[str, AxisOverlays], fixed: set[str]) -> AxisOverlays | None:
        assert not isinstance(self._claim, ComparisonClaimSpec)
        if not self._require("axis", self._claim.over, here, "over"):
            return None
        self._all_fixed({*fixed, self._claim.over}, here)
        return here[self._claim.over]

    def _labels(
        self, labels: Mapping[str, Any], here: Mapping[str, AxisOverlays], field: str
    ) -> set[str]:
        for axis, label in labels.items():
            if self._require("axis", axis, here, field) and label not in here[axis].labels:
                allowed = listing(here[axis].labels)
                text = f"found {label}; allowed on {axis}: {allowed}"
                self._note(text + nearest(label, here[axis].labels), field, axis)
        return set(labels)

    def _all_fixed(self, fixed: set[str], here: Mapping[str, AxisOverlays]) -> None:
        free = [name for name, axis in here.items() if name not in fixed and len(axis.labels) > 1]
        if free:
            self._note(f"the claim says nothing of the axis {free[0]}; fix it under at", "at")

    def _require(self, noun: str, name: str, known: Iterable[str], *below: str) -> bool:
        if name in known:
            return True
        text = f'no {noun} is called "{name}"; there are: {listing(known)}{nearest(name, known)}'
        self._note(text, *below)
        return False

    def _note(self, text: str, *below: str) -> None:
        path = ("claims", self._name, *below)
        place = next(
            found
            for length in range(len(path), 0, -1)
            if (found := self._profile.get(*path[:length])) is not None
        )
        self._problems.add(place.at, path, text)


def _metrics(profile: Placed, evaluation: str) -> tuple[str, ...]:
    kind = profile.get("evaluations", evaluation, "kind")
    return CLAIM_METRICS.get(str(kind.value), ()) if kind else ()
