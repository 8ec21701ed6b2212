"""Generated images along an axis, the first ones of each arm side by side."""

from collections.abc import Sequence

from rgm_bench.config.study import SamplesItem, StudySpec
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
    headline,
    of_evaluation,
)
from rgm_bench.report.style import WIDTH, Canvas, title_size
from rgm_bench.results.frames import Results

_COLUMNS = 7


def samples_drawing(
    study: StudySpec, trials: Sequence[Row], view: Results, item: SamplesItem, *, name: str
) -> Drawing | None:
    """The first images of each arm's first seed, side by side, or None when there are none yet."""
    main, _ = at_main_share(of_evaluation(trials, item.evaluation))
    found = arms(study, main, over=item.over)
    shown = spread([arm for arm in found if arm.real is None])
    shown += [arm for arm in found if arm.real == "train"][:1]
    paths = [first_file(arm, view.grid) for arm in shown]
    if not any(paths):
        return None
    score = headline(main)
    down = -(-len(shown) // _COLUMNS)
    across = -(-len(shown) // down)
    width = min(2 * WIDTH, 1.5 * across)
    titles = [_title(arm, score) for arm in shown]
    size = title_size([line for lines in titles for line in lines], width / across)
    with Canvas(width, (width / across + 0.36) * down + 0.2) as figure:
        for place, (arm, path) in enumerate(zip(shown, paths, strict=True)):
            axes = figure.add_subplot(down, across, place + 1)
            axes.set_axis_off()
            axes.set_title("\n".join(titles[place]), linespacing=1.4, fontsize=size)
            if path is None:
                draw_nothing(axes, arm, noun="picture")
            else:
                tiles = first_tiles(path, item.images)
                draw_pixels(axes, laid_out(tiles, columns=max(1, int(len(tiles) ** 0.5))))
        figure.suptitle(axes_named(shown[0]), fontsize=8)
    caption = f"{study.title}: the first {item.images} images of the first finished seed."
    return Drawing(name, study.title, caption + score_sentence(score), figure, raster=True)


def _title(arm: Arm, score: Measure | None) -> list[str]:
    name = f"real {arm.real}" if arm.real else labels_named(arm)
    return [name, *score_lines(arm, score)]
