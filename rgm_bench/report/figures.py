"""The figures that a study asks for: a score over an axis, and pictures along an axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from rgm_bench.config.study import CurveItem, SamplesItem, StudySpec
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.columns import column
from rgm_bench.report.numbers import NOTHING, decimals, label, number, plain, setting
from rgm_bench.report.select import Arm, Measure, Row, arms, at_main_share, measures
from rgm_bench.report.style import BLACK, COLORS, GREY, WIDTH, Canvas
from rgm_bench.report.tables import counts, origins, words
from rgm_bench.results.frames import Results, all_numbers

MAX_ARMS = 12
"""How many arms pictures and training curves show: evenly spread where there are more."""

_T = TypeVar("_T")

_PICTURES_A_ROW = 8
_LOG_FROM = 20


@final
@dataclass(frozen=True)
class Drawing:
    """A figure with its name and what stands under it."""

    name: str
    title: str
    caption: str
    figure: Figure
    raster: bool = False


# --- a score over an axis ---------------------------------------------------------------------


@final
@dataclass(frozen=True)
class _Line:
    """One line of a curve: the arms that share everything but the value on the axis."""

    name: str
    color: str
    main: bool
    arms: Sequence[Arm]
    estimates: Sequence[Estimate | None]


def curve_drawings(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, *, name: str
) -> list[Drawing]:
    """The curve that `item` asks for, once for each evaluation, extractor and number of images.

    Nothing for what has no finished trial, or for an axis whose labels are not numbers.
    """
    if not all_numbers(study.axes[item.x]):
        return []
    found = measures([(item.y, column(item.y))], trials)
    drawings = [
        _curve(study, trials, item, measure, name=f"{name}_{place}" if place else name)
        for place, measure in enumerate(found)
    ]
    return [drawing for drawing in drawings if drawing]


def _curve(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, measure: Measure, *, name: str
) -> Drawing | None:
    lines = _lines(study, trials, item, measure)
    if not any(e for line in lines for e in line.estimates):
        return None
    real = _real_lines(study, trials, item, measure)
    with Canvas(WIDTH, 2.9) as figure:
        axes = figure.add_subplot()
        _scale_x(axes, item, [float(x) for x in study.axes[item.x]])
        for line in lines:
            _draw_line(axes, item, measure, line)
        _scale_y(axes, measure, lines)
        handles = _draw_real(axes, real, measure)
        _mark_gaps(axes, item, [line for line in lines if line.main])
        _second_axis(axes, item, lines)
        axes.set_xlabel(words(item.x))
        axes.set_ylabel(f"{measure.column.title}{measure.column.arrow}\n{measure.detail}".strip())
        if len(lines) > 1 or handles:
            # below the axes: inside them it would lie on the lines
            figure.legend(loc="outside lower center", ncols=2)
    return Drawing(name, study.title, _curve_caption(study, item, measure, lines), figure)


def _lines(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, measure: Measure
) -> list[_Line]:
    """A line for each arm of the other axes; with a single one, a paler line a smaller share."""
    own = [t for t in trials if t["evaluation"] == measure.evaluation or not measure.evaluation]
    main, shares = at_main_share(own)
    groups = _by_other_axes(arms(study, main, over=item.x), item.x)
    lines = [
        _line(measure, others, COLORS[place % len(COLORS)], True, group)
        for place, (others, group) in enumerate(groups.items())
    ]
    if len(lines) != 1 or not shares:
        return lines
    main_color, largest = lines[0].color, max(shares.values())
    smaller = sorted({t["at"] for t in own if t["at"] < largest})
    for place, share in enumerate(smaller):
        paler = [trial for trial in own if trial["at"] == share]
        color = _mix(main_color, 0.2 + 0.55 * (place + 1) / (len(smaller) + 1))
        group = [arm for arm in arms(study, paler, over=item.x) if arm.real is None]
        lines.insert(place, _line(measure, _images_name(paler), color, False, group))
    if smaller:
        lines[-1] = _line(measure, _images_name(lines[-1].arms[0].trials), *_same(lines[-1]))
    return [line for line in lines if line.main or any(line.estimates)]


def _same(line: _Line) -> tuple[str, bool, Sequence[Arm]]:
    return line.color, line.main, line.arms


def _line(measure: Measure, name: str, color: str, main: bool, group: Sequence[Arm]) -> _Line:
    return _Line(name, color, main, group, [measure.estimate(arm) for arm in group])


def _by_other_axes(found: Sequence[Arm], x: str) -> dict[str, list[Arm]]:
    groups: dict[str, list[Arm]] = {}
    for arm in found:
        if arm.real is None:
            others = [f"{words(a)} {label(v)}" for a, v in arm.labels.items() if a != x]
            groups.setdefault(", ".join(others), []).append(arm)
    return groups


def _images_name(trials: Sequence[Row]) -> str:
    return f"{plain(max(int(trial['images']) for trial in trials))} images"


def _mix(color: str, share: float) -> str:
    """`color` on white paper, `share` of it."""
    red, green, blue = (round(255 * (1 - share + share * part)) for part in to_rgb(color))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _real_lines(
    study: StudySpec, trials: Sequence[Row], item: CurveItem, measure: Measure
) -> list[tuple[str, Estimate]]:
    if measure.column.role != "score":
        return []
    real = [arm for arm in arms(study, trials, over=item.x) if arm.real]
    found = [(name, measure.estimate(arm)) for name, arm in zip(origins(real), real, strict=True)]
    return [(name, estimate) for name, estimate in found if estimate]


def _draw_line(axes: Axes, item: CurveItem, measure: Measure, line: _Line) -> None:
    factor = measure.column.factor
    points = [
        (float(arm.labels[item.x]), estimate)
        for arm, estimate in zip(line.arms, line.estimates, strict=True)
        if estimate
    ]
    x, y = [x for x, _ in points], [e.center * factor for _, e in points]
    size = 3.2 if line.main else 2.2
    axes.plot(x, y, "o-", color=line.color, ms=size, label=line.name or None, zorder=3)
    if not line.main:
        return
    low = [np.nan if e.low is None else e.low * factor for _, e in points]
    high = [np.nan if e.high is None else e.high * factor for _, e in points]
    axes.fill_between(x, low, high, color=line.color, alpha=0.15, lw=0)
    axes.vlines(x, low, high, color=line.color, lw=0.9, zorder=3)
    seeds = [(float(arm.labels[item.x]), v) for arm in line.arms for v in measure.values(arm)]
    axes.scatter(
        [x for x, _ in seeds],
        [value * factor for _, value in seeds],
        s=11,
        facecolor="none",
        edgecolor=BLACK,
        linewidth=0.5,
        zorder=4,
    )


def _scale_x(axes: Axes, item: CurveItem, values: Sequence[float]) -> None:
    positive = [x for x in values if x > 0]
    match item.scale:
        case "symlog" if positive:
            axes.set_xscale("symlog", linthresh=min(positive), linscale=0.7)
        case "log" if positive:
            axes.set_xscale("log")
        case _:
            axes.set_xscale("linear")
    if len(values) <= MAX_ARMS:
        axes.set_xticks(values, [plain(x) for x in values], minor=False)
        axes.set_xticks([], minor=True)


def _scale_y(axes: Axes, measure: Measure, lines: Sequence[_Line]) -> None:
    """Logarithmic where the values ask for it, with room for every interval on the main line."""
    estimates = [e for line in lines for e in line.estimates if e]
    values = [v for e in estimates for v in (e.center, e.low, e.high) if v is not None]
    positive = min(e.center for e in estimates) > 0
    if measure.column.scale == "log" and positive and max(values) > _LOG_FROM * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(format_tick)
        axes.yaxis.set_minor_formatter("")
        axes.grid(visible=True, which="minor", axis="y", lw=0.25)


def format_tick(value: float, _place: float | None = None) -> str:
    """A tick of a logarithmic axis, without an exponent."""
    return number(value, decimals(value) if value < 1 else 0)


def _draw_real(axes: Axes, real: Sequence[tuple[str, Estimate]], measure: Measure) -> list[str]:
    """A dashed line each; what a logarithmic axis cannot show is named in the legend."""
    axes.autoscale_view()
    low, high = axes.get_ylim()
    for place, (name, estimate) in enumerate(real):
        center = estimate.center * measure.column.factor
        style: Any = ((0, (4, 2)), (0, (1, 1.5)), "-.")[place % 3]
        text = f"{name}: {number(center, decimals(center))}"
        if axes.get_yscale() == "log" and center < low / 10:
            axes.plot([], [], color=GREY, ls=style, lw=1, label=f"{text} (below)")
        else:
            axes.axhline(center, color=GREY, ls=style, lw=1, zorder=1, label=text)
            low, high = min(low, center), max(high, center)
    return [name for name, _ in real]


def _mark_gaps(axes: Axes, item: CurveItem, lines: Sequence[_Line]) -> None:
    """Under the tick of an arm that lacks seeds: how many of them have finished."""
    gaps = {
        float(arm.labels[item.x]): counts(arm.trials).partition(",")[0]
        for line in lines
        for arm in line.arms
        if any(trial["status"] != "ok" for trial in arm.trials)
    }
    if len(axes.get_xticks()) > MAX_ARMS:
        return
    for x, text in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        if float(x) in gaps:
            text.set_color(COLORS[1])
    texts = [plain(x) + (f"\n{gaps[x]}" if x in gaps else "") for x in axes.get_xticks().tolist()]
    axes.set_xticks(axes.get_xticks(), texts)


def _second_axis(axes: Axes, item: CurveItem, lines: Sequence[_Line]) -> None:
    """The paper's lambda at the same places: infinity where the fidelity term weighs nothing."""
    if item.second_axis is None:
        return
    arms_ = (arm for line in lines for arm in line.arms)
    found = {float(arm.labels[item.x]): arm.setting("paper_lambda") for arm in arms_}
    places = [(x, value) for x, value in sorted(found.items()) if value is not None]
    top = axes.twiny()
    _scale_x(top, item, list(found))
    top.set_xlim(axes.get_xlim())
    shown = spread(places)
    top.set_xticks([x for x, _ in shown], [setting(value) for _, value in shown])
    top.set_xticks([], minor=True)
    top.grid(visible=False)
    top.spines["top"].set_visible(True)
    top.set_xlabel("paper's λ = 1 / fidelity weight")


def _curve_caption(
    study: StudySpec, item: CurveItem, measure: Measure, lines: Sequence[_Line]
) -> str:
    center = "geometric mean" if measure.column.scale == "log" else "mean"
    paler = " Paler: earlier in the same trainings." if any(not x.main for x in lines) else ""
    lacking = any(t["status"] != "ok" for x in lines if x.main for a in x.arms for t in a.trials)
    paler += " Under an arm: how many of its seeds have finished, where some lack." * lacking
    return (
        f"{study.title}: {measure.column.title} over {words(item.x)}. Line: {center} over seeds; "
        f"band: its 95% Student t interval; circles: each seed.{paler}"
    )


# --- pictures along an axis -------------------------------------------------------------------


def samples_drawing(
    study: StudySpec, trials: Sequence[Row], view: Results, item: SamplesItem, *, name: str
) -> Drawing | None:
    """The first images of each arm's first seed, side by side, or None when there are none yet."""
    main, _ = at_main_share(trials)
    found = arms(study, main, over=item.over)
    shown = spread([arm for arm in found if arm.real is None])
    shown += [arm for arm in found if arm.real == "train"][:1]
    pictures = [_first_picture(arm, view, item.images) for arm in shown]
    if not any(picture is not None for picture in pictures):
        return None
    down = -(-len(shown) // 7)
    across = -(-len(shown) // down)
    width = min(2 * WIDTH, 1.5 * across)
    with Canvas(width, (width / across + 0.36) * down + 0.2) as figure:
        for place, (arm, picture) in enumerate(zip(shown, pictures, strict=True)):
            axes = figure.add_subplot(down, across, place + 1)
            axes.set_axis_off()
            axes.set_title(_picture_title(arm, item), linespacing=1.4)
            _draw_picture(axes, picture)
        figure.suptitle(axes_named(shown[0]), fontsize=8)
    caption = (
        f"{study.title}: the first {item.images} images of the first finished seed. "
        "FID: geometric mean over the finished seeds."
    )
    return Drawing(name, study.title, caption, figure, raster=True)


def _draw_picture(axes: Axes, picture: "np.ndarray[Any, Any] | None") -> None:
    if picture is None:
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.text(0.5, 0.5, "missing", ha="center", va="center", color=COLORS[1])
    else:
        axes.imshow(picture, interpolation="none", cmap="gray", vmin=0, vmax=255)


def _picture_title(arm: Arm, item: SamplesItem) -> str:
    scores = [m for m in measures([("fid", column("fid"))], arm.trials) if m.estimate(arm)]
    found = scores[0].estimate(arm) if scores else None
    fid = f"FID {number(found.center, decimals(found.center))}" if found else NOTHING
    if arm.real:
        return f"real {arm.real}\n{fid}"
    return f"{labels_named(arm)}\n{fid}"


def labels_named(arm: Arm) -> str:
    """The values of an arm, without the names of the axes."""
    return ", ".join(label(value) for value in arm.labels.values())


def axes_named(arm: Arm) -> str:
    """The names of the axes that an arm has values on."""
    return ", ".join(words(axis) for axis in arm.labels)


def _first_picture(arm: Arm, view: Results, images: int) -> "np.ndarray[Any, Any] | None":
    finished = (trial for trial in arm.trials if trial["status"] == "ok")
    paths = (view.grid(trial["evaluation_id"]) for trial in finished)
    path = next((path for path in paths if path is not None), None)
    return None if path is None else _first_tiles(path, images)


def _first_tiles(path: Path, images: int) -> "np.ndarray[Any, Any]":
    """The first pictures of a grid with 8 in a row, laid out anew as a square."""
    with Image.open(path) as file:
        grid = np.asarray(file if file.mode in ("L", "RGB") else file.convert("RGB"))
    size = grid.shape[1] // _PICTURES_A_ROW
    tiles = [
        grid[top : top + size, left : left + size]
        for top in range(0, grid.shape[0] - size + 1, size)
        for left in range(0, size * _PICTURES_A_ROW, size)
    ][:images]
    side = max(1, int(len(tiles) ** 0.5))
    gap = max(1, size // 8)
    edge = [(0, gap), (0, gap), (0, 0)][: grid.ndim]
    framed = [np.pad(tile, edge, constant_values=255) for tile in tiles]
    rows = [framed[start : start + side] for start in range(0, side * side, side)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])[:-gap, :-gap]


def spread(found: Sequence[_T]) -> list[_T]:
    """At most `MAX_ARMS` of them, the first and the last among them."""
    if len(found) <= MAX_ARMS:
        return list(found)
    return [found[round(i * (len(found) - 1) / (MAX_ARMS - 1))] for i in range(MAX_ARMS)]
