"""Densities of 2D points as small multiples: real data first, then each arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from rgm_bench.config.study import DensitiesItem, StudySpec
from rgm_bench.report.figures.drawing import Drawing, spread
from rgm_bench.report.figures.panels import draw_nothing, first_file, score_lines, score_sentence
from rgm_bench.report.figures.point_clouds import Cloud, Frame, frame_of, read_cloud
from rgm_bench.report.naming import words
from rgm_bench.report.numbers import label
from rgm_bench.report.select import (
    Arm,
    Measure,
    Row,
    arms,
    at_main_share,
    headline,
    of_evaluation,
)
from rgm_bench.report.style import GREY, WIDTH, Canvas
from rgm_bench.results.frames import Results

_COLUMNS, _ROWS = 6, 6
_PANEL = 1.12
_SHOWN_OUTSIDE = 0.005

_Grid = list[list[Arm | None]]
"""Rows of panels, None where one stays empty."""


@final
@dataclass(frozen=True)
class _Look:
    """What all panels have in common."""

    frame: Frame
    norm: PowerNorm
    score: Measure | None
    over: str


def densities_drawing(
    study: StudySpec, trials: Sequence[Row], view: Results, item: DensitiesItem, *, name: str
) -> Drawing | None:
    """The densities that `item` asks for, or None while no arm has points.

    Columns are the values on its axis and rows those of the other axes. With no other axis the
    panels follow one another.

    Raises:
        StoreError: a file of points holds something else.
    """
    main, _ = at_main_share(of_evaluation(trials, item.evaluation))
    found = arms(study, main, over=item.over)
    generated = [arm for arm in found if arm.real is None]
    clouds = _clouds(found, view)
    if not any(id(arm) in clouds for arm in generated):
        return None
    real = next((arm for arm in found if arm.real and id(arm) in clouds), None)
    look = _look(clouds, real, headline(main), item.over)
    panels = _panels(generated, real, item.over)
    down, across = len(panels), len(panels[0])
    height = _PANEL + (0.36 if look.score else 0.2)
    with Canvas(min(2 * WIDTH, _PANEL * across + 0.25), height * down + 0.2) as figure:
        grid = figure.subplots(down, across, squeeze=False)
        for row, arms_ in zip(grid, panels, strict=True):
            for axes, arm in zip(row, arms_, strict=True):
                _draw_panel(axes, arm, clouds.get(id(arm)), look)
            _name_row(row, arms_, item.over)
        figure.suptitle(words(item.over), fontsize=8)
    caption = (
        f"{study.title}: the points of the first finished seed; darker: the square root of a "
        "higher density, all in one frame and on one scale."
    )
    return Drawing(name, study.title, caption + score_sentence(look.score), figure, raster=True)


def _clouds(found: Sequence[Arm], view: Results) -> dict[int, Cloud]:
    paths = ((arm, first_file(arm, view.points)) for arm in found)
    return {id(arm): read_cloud(path) for arm, path in paths if path is not None}


def _look(clouds: Mapping[int, Cloud], real: Arm | None, score: Measure | None, over: str) -> _Look:
    """The frame and the darkest density are those of real points, where there are any."""
    truth = clouds[id(real)] if real else None
    frame = frame_of(truth, list(clouds.values()))
    measured = clouds.values() if truth is None else [truth]
    darkest = max(float(frame.density(cloud).max()) for cloud in measured)
    return _Look(frame, PowerNorm(0.5, 0, darkest or 1.0), score, over)


def _panels(generated: Sequence[Arm], real: Arm | None, over: str) -> _Grid:
    rows: dict[tuple[object, ...], dict[object, Arm]] = {}
    for arm in generated:
        others = tuple(pair for pair in arm.labels.items() if pair[0] != over)
        rows.setdefault(others, {})[arm.labels[over]] = arm
    if len(rows) == 1:
        return _wrapped([*([real] if real else []), *spread(generated)])
    columns = spread(list(dict.fromkeys(arm.labels[over] for arm in generated)), _COLUMNS)
    shown = spread(list(rows.values()), _ROWS)
    first = [[real if place == 0 else None] if real else [] for place in range(len(shown))]
    return [
        [*left, *(row.get(column) for column in columns)]
        for left, row in zip(first, shown, strict=True)
    ]


def _wrapped(panels: Sequence[Arm | None]) -> _Grid:
    down = -(-len(panels) // _COLUMNS)
    across = -(-len(panels) // down)
    padded = [*panels, *([None] * (down * across - len(panels)))]
    return [padded[start : start + across] for start in range(0, down * across, across)]


def _draw_panel(axes: Axes, arm: Arm | None, cloud: Cloud | None, look: _Look) -> None:
    axes.set(xticks=[], yticks=[])
    if arm is None:
        axes.set_frame_on(False)
        return
    axes.spines[["top", "right"]].set_visible(True)
    name = f"real {arm.real}" if arm.real else label(arm.labels[look.over])
    axes.set_title("\n".join([name, *score_lines(arm, look.score)]), linespacing=1.4)
    if cloud is None:
        draw_nothing(axes, arm, noun="points")
        return
    axes.imshow(
        look.frame.density(cloud),
        extent=look.frame.extent,
        origin="lower",
        cmap="Blues",
        norm=look.norm,
        interpolation="bilinear",
    )
    outside = look.frame.share_outside(cloud)
    if outside > _SHOWN_OUTSIDE:
        axes.text(
            0.04, 0.04, f"{outside:.0%} outside", transform=axes.transAxes, color=GREY, fontsize=6
        )


def _name_row(row: Sequence[Axes], arms_: Sequence[Arm | None], over: str) -> None:
    """Say at its first arm what a row has in common."""
    for axes, arm in zip(row, arms_, strict=True):
        if arm is not None and arm.real is None:
            others = [f"{words(a)} {label(v)}" for a, v in arm.labels.items() if a != over]
            axes.set_ylabel(",\n".join(others))
            return
