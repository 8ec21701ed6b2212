"""Which arms make one line of a curve, and what the line is called."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import final

from matplotlib.colors import to_rgb

from rgm_bench.config.study import AxisValue, CurveItem, StudySpec
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.figures.drawing import line_colors
from rgm_bench.report.naming import words
from rgm_bench.report.numbers import label, plain
from rgm_bench.report.select import Arm, Measure, Row, arms, at_main_share, is_missing

_STYLES = ("-", "--", ":", "-.")

_Labels = tuple[tuple[str, AxisValue], ...]


@final
@dataclass(frozen=True)
class Line:
    """One line of a curve: the arms that share everything but the value on the axis.

    `main` for those at the largest share of the training; others are drawn paler.
    """

    name: str
    color: str
    style: str
    main: bool
    arms: Sequence[Arm]
    estimates: Sequence[Estimate | None]


def curve_lines(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, measure: Measure
) -> list[Line]:
    """A line for each arm of the other axes; with a single one, a paler line a smaller share."""
    own = [t for t in trials if t["evaluation"] == measure.evaluation or not measure.evaluation]
    main, shares = at_main_share(own)
    lines = _main_lines([a for a in arms(study, main, over=item.x) if not a.real], item, measure)
    if len(lines) != 1 or not shares:
        return lines
    paler = _paler_lines(study, own, item, measure, lines[0])
    if not paler:
        return lines
    return [*paler, replace(lines[0], name=_images_name(lines[0].arms))]


def _main_lines(found: Sequence[Arm], item: CurveItem, measure: Measure) -> list[Line]:
    """Colours tell the labels of the series apart, line styles whatever else differs."""
    groups: dict[tuple[_Labels, _Labels], list[Arm]] = {}
    for arm in found:
        others = [(axis, value) for axis, value in arm.labels.items() if axis != item.x]
        of_series = tuple(pair for pair in others if item.series in (None, pair[0]))
        rest = tuple(pair for pair in others if pair not in of_series)
        groups.setdefault((of_series, rest), []).append(arm)
    series = list(dict.fromkeys(key for key, _ in groups))
    rests = list(dict.fromkeys(rest for _, rest in groups))
    colors = dict(zip(series, line_colors(len(series)), strict=True))
    return [
        _line(
            measure,
            _name(key, rest, item),
            colors[key],
            _STYLES[rests.index(rest) % len(_STYLES)],
            groups[key, rest],
        )
        for key, rest in product(series, rests)
        if (key, rest) in groups
    ]


def _name(of_series: _Labels, rest: _Labels, item: CurveItem) -> str:
    """The label alone on the axis of the series, which stands over the legend."""
    named = [label(v) if item.series else f"{words(axis)} {label(v)}" for axis, v in of_series]
    return ", ".join([*named, *(f"{words(axis)} {label(value)}" for axis, value in rest)])


def _paler_lines(
    study: StudySpec, own: Sequence[Row], item: CurveItem, measure: Measure, main: Line
) -> list[Line]:
    largest = max(trial["at"] for arm in main.arms for trial in arm.trials)
    smaller = sorted({trial["at"] for trial in own if trial["at"] < largest})
    lines: list[Line] = []
    for place, share in enumerate(smaller):
        trials = [trial for trial in own if trial["at"] == share]
        group = [arm for arm in arms(study, trials, over=item.x) if arm.real is None]
        color = _mix(main.color, 0.2 + 0.55 * (place + 1) / (len(smaller) + 1))
        line = _line(measure, _images_name(group), color, "-", group)
        lines += [replace(line, main=False)] if any(line.estimates) else []
    return lines


def _line(measure: Measure, name: str, color: str, style: str, group: Sequence[Arm]) -> Line:
    return Line(name, color, style, True, group, [measure.estimate(arm) for arm in group])


def _images_name(group: Sequence[Arm]) -> str:
    images = (trial["images"] for arm in group for trial in arm.trials)
    return f"{plain(max(int(count) for count in images if not is_missing(count)))} images"


def _mix(color: str, share: float) -> str:
    """`color` on white paper, `share` of it."""
    red, green, blue = (round(255 * (1 - share + share * part)) for part in to_rgb(color))
    return f"#{red:02x}{green:02x}{blue:02x}"
