"""The best trials of a search, those first that other seeds have confirmed."""

from collections.abc import Iterator, Sequence
from typing import final

import pandas as pd

from rgm_bench.config.search import CONFIRMED, TRIAL, Range, Search, Suggestion
from rgm_bench.config.study import SearchItem, StudySpec
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.columns import column
from rgm_bench.report.naming import words
from rgm_bench.report.numbers import NOTHING, decimals, label, number, setting, with_interval
from rgm_bench.report.select import Measure, Row, arms, measures
from rgm_bench.report.table import Cell, Header, Table, TableRow
from rgm_bench.results.frames import all_numbers


def build_search_table(
    study: StudySpec, trials: Sequence[Row], item: SearchItem, *, name: str
) -> Table:
    """A row for each of the best trials: its values, what the search saw, what confirmed it.

    What a search chose by is too good: the best of many is lucky too. Only the mean over seeds that
    it has not seen is quoted as its result.
    """
    assert study.search
    rows = _Rows(study, study.search, trials)
    best = rows.ranked()[: item.top]
    return Table(
        name=name,
        title=study.title,
        heading="Best trials",
        caption=f"{study.title}. {rows.caption()}",
        headers=tuple(rows.headers()),
        rows=tuple(TableRow(tuple(rows.cells(suggestion, best[0]))) for suggestion in best),
        frame=pd.DataFrame([dict(rows.values(suggestion)) for suggestion in rows.ranked()]),
    )


@final
class _Rows:
    def __init__(self, study: StudySpec, search: Search, trials: Sequence[Row]) -> None:
        self._study, self._search = study, search
        self._confirmations = _confirmations(study, trials)
        self._confirmed = {
            number: [estimates.get(number) for _, estimates in self._confirmations]
            for number in study.found.confirmed
        }

    def ranked(self) -> list[Suggestion]:
        """Finished trials, the confirmed ones first and the best of them on top."""
        finished = [s for s in self._study.found.suggestions if s.scores is not None]
        return sorted(finished, key=self._rank)

    def _rank(self, suggestion: Suggestion) -> tuple[bool, float, int]:
        sign = -1 if column(self._metric(0)).better == "higher" else 1
        confirmed = next(iter(self._confirmed.get(suggestion.number, ())), None)
        assert suggestion.scores
        score = confirmed.center if confirmed else suggestion.scores[0]
        return confirmed is None, sign * score, suggestion.number

    def _metric(self, place: int) -> str:
        return self._search.objectives[place][1]

    def headers(self) -> Iterator[Header]:
        yield Header("trial")
        for dimension in self._search.dimensions:
            is_text = not isinstance(dimension.domain, Range) and not all_numbers(dimension.domain)
            yield Header(words(dimension.name), is_text=is_text)
        for evaluation, metric in self._search.objectives:
            shown = column(metric)
            yield Header(f"{shown.title}{shown.arrow}", f"search, {evaluation}")
        for measure, _ in self._confirmations:
            shown = measure.column
            yield Header(f"{shown.title}{shown.arrow}", f"confirmed, {measure.detail}")
        if self._confirmations:
            yield Header("seeds", "confirmed")

    def cells(self, suggestion: Suggestion, best: Suggestion) -> Iterator[Cell]:
        yield Cell(str(suggestion.number))
        for dimension in self._search.dimensions:
            value = suggestion.values.get(dimension.name)
            shown = setting(value) if isinstance(value, float) else label(value or "")
            yield Cell(NOTHING if value is None else shown)
        for place, score in enumerate(suggestion.scores or ()):
            value = score * column(self._metric(place)).factor
            yield Cell(number(value, decimals(value)))
        estimates = self._confirmed.get(suggestion.number) or [None] * len(self._confirmations)
        for (measure, _), found in zip(self._confirmations, estimates, strict=True):
            text = with_interval(found, factor=measure.column.factor) if found else NOTHING
            yield Cell(text, best=found is not None and suggestion is best, soft=found is None)
        if self._confirmations:
            counts = [found.n for found in estimates if found]
            yield Cell(str(min(counts)) if counts else NOTHING)

    def values(self, suggestion: Suggestion) -> Iterator[tuple[str, object]]:
        yield TRIAL, suggestion.number
        yield from suggestion.values.items()
        for (evaluation, metric), score in zip(
            self._search.objectives, suggestion.scores or (), strict=True
        ):
            yield f"{evaluation}.{metric}", score
        for measure, estimates in self._confirmations:
            found = estimates.get(suggestion.number)
            yield measure.source, found.center if found else None

    def caption(self) -> str:
        suggestions, spec = self._study.found.suggestions, self._search.spec
        states = [suggestion.state for suggestion in suggestions]
        parts = [f"{len(states)} of {spec.trials} trials"]
        parts += [
            f"{states.count(state)} {state}"
            for state in ("running", "pruned", "diverged", "failed")
            if state in states
        ]
        text = f"{', '.join(parts)}."
        if not any(any(each) for each in self._confirmed.values()):
            return f"{text} Chosen by these very scores, so the best ones are too good."
        split = spec.confirm.reference_split if spec.confirm else None
        against = f", against real {split} images" if split else ""
        return (
            f"{text} The best were trained again with other seeds{against}: that mean, with its "
            "95% Student t interval, is the result of the search. What chose it is too good."
        )


def _confirmations(
    study: StudySpec, trials: Sequence[Row]
) -> list[tuple[Measure, dict[int, Estimate | None]]]:
    """For each objective that was confirmed, what each trial came to over the other seeds."""
    assert study.search
    found: list[tuple[Measure, dict[int, Estimate | None]]] = []
    for evaluation, metric in study.search.objectives:
        own = [t for t in trials if t["evaluation"] == evaluation + CONFIRMED]
        for measure in measures([(metric, column(metric))], own):
            lines = [arm for arm in arms(study, own, over=TRIAL) if arm.real is None]
            estimates = {int(arm.labels[TRIAL]): measure.estimate(arm) for arm in lines}
            found.append((measure, estimates))
    return found
