"""Original, degraded and restored images side by side: a row an image, a column an arm.

An evaluation that restores leaves three grids beside each other, of the same images in the same
order, 8 in a row: `original.png`, `degraded.png` and, of its restorations, `grid.png`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from matplotlib.axes import Axes

from rgm_bench.config.study import RestorationsItem, StudySpec
from rgm_bench.report.figures.drawing import Drawing, spread
from rgm_bench.report.figures.panels import draw_nothing, first_file, score_lines, score_sentence
from rgm_bench.report.figures.pictures import draw_pixels, first_tiles, laid_out
from rgm_bench.report.naming import axes_named, labels_named
from rgm_bench.report.select import (
    Arm,
    Measure,
    Row,
    arms,
    at_main_share,
    has_label,
    headline,
    of_evaluation,
)
from rgm_bench.report.style import WIDTH, Canvas
from rgm_bench.results.frames import Results

ORIGINAL, DEGRADED = "original.png", "degraded.png"

_COLUMN = 0.95


@final
@dataclass(frozen=True)
class _Block:
    """The arms that restore the same images, the grid of each, and those that all started from."""

    inputs: Sequence[Path]
    arms: Sequence[tuple[Arm, Path | None]]


def restorations_drawing(
    study: StudySpec, trials: Sequence[Row], view: Results, item: RestorationsItem, *, name: str
) -> Drawing | None:
    """The pictures that `item` asks for, or None while no arm has any.

    Arms of another inverse problem make rows of their own below.
    """
    main, _ = at_main_share(of_evaluation(trials, item.evaluation))
    found = spread([arm for arm in _all_arms(study, main) if arm.real is None])
    blocks = _blocks(found, view)
    if not blocks:
        return None
    score = headline(main)
    across = 2 + max(len(block.arms) for block in blocks)
    width = min(2 * WIDTH, _COLUMN * across)
    height = width / across * item.images + (0.4 if score else 0.25)
    with Canvas(width, height * len(blocks) + 0.2) as figure:
        grid = figure.subplots(len(blocks), across, squeeze=False)
        for row, block in zip(grid, blocks, strict=True):
            _draw_block(row, block, item, score)
        figure.suptitle(axes_named(found[0]), fontsize=8)
    caption = (
        f"{study.title}: the first {item.images} images of the evaluation as they are, degraded, "
        "and restored by the first finished seed of each arm."
    )
    return Drawing(name, study.title, caption + score_sentence(score), figure, raster=True)


def _all_arms(study: StudySpec, trials: Sequence[Row]) -> Sequence[Arm]:
    """The arms over whichever axes the evaluation has."""
    axis = next((axis for axis in study.axes if any(has_label(t, axis) for t in trials)), None)
    return () if axis is None else arms(study, trials, over=axis)


def _blocks(found: Sequence[Arm], view: Results) -> list[_Block]:
    groups: dict[str, list[Arm]] = {}
    for arm in found:
        measure = json.loads(arm.trials[0]["spec"])["measure"]
        groups.setdefault(json.dumps(measure["problem"], sort_keys=True), []).append(arm)
    blocks: list[_Block] = []
    for group in groups.values():
        grids = [(arm, first_file(arm, view.grid)) for arm in group]
        drawn = next((path for _, path in grids if path is not None), None)
        if drawn is not None:
            blocks.append(_Block([drawn.with_name(ORIGINAL), drawn.with_name(DEGRADED)], grids))
    return blocks


def _draw_block(
    row: Sequence[Axes], block: _Block, item: RestorationsItem, score: Measure | None
) -> None:
    for axes in row:
        axes.set_axis_off()
    for axes, path, title in zip(row, block.inputs, ("original", "degraded"), strict=False):
        axes.set_title(title)
        _draw_images(axes, path, item.images)
    for axes, (arm, path) in zip(row[2:], block.arms, strict=False):
        axes.set_title("\n".join([labels_named(arm), *score_lines(arm, score)]), linespacing=1.4)
        if path is None:
            draw_nothing(axes, arm, noun="picture")
        else:
            _draw_images(axes, path, item.images)


def _draw_images(axes: Axes, path: Path, images: int) -> None:
    draw_pixels(axes, laid_out(first_tiles(path, images), columns=1))
