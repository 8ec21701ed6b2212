import numpy as np

from rgm_bench.config.study import RestorationsItem, SamplesItem
from rgm_bench.report.figures.pictures import laid_out
from rgm_bench.report.figures.restorations import restorations_drawing
from rgm_bench.report.figures.samples import samples_drawing

ITEM = RestorationsItem(kind="restorations", evaluation="restoration", images=3)


def columns(drawing) -> list[tuple[str, list[int]]]:
    """The title of each panel and the greys that follow each other down its middle."""
    found = []
    for axes in drawing.figure.axes:
        title = axes.get_title().split("\n")[0]
        pixels = [image.get_array()[:, 16] for image in axes.get_images()]
        greys = [int(grey) for grey in dict.fromkeys(pixels[0].tolist())] if pixels else []
        found.append((title, [grey for grey in greys if grey != 255]))
    return found


def test_rows_are_images_and_columns_original_degraded_and_arms(restorations, results, rows):
    drawing = restorations_drawing(
        restorations, rows(restorations, results), results, ITEM, name="r"
    )
    inputs = [("original", [0, 1, 2]), ("degraded", [50, 51, 52])]
    assert columns(drawing) == [
        *inputs,
        ("ours, halves", [100, 101, 102]),
        ("bicubic, halves", [150, 151, 152]),
        *inputs,
        ("ours, quarters", [100, 101, 102]),
        ("bicubic, quarters", [150, 151, 152]),
    ]
    assert all(axes.get_title().endswith("PSNR 20.5") for axes in drawing.figure.axes[2:4])


def test_an_arm_without_pictures_keeps_its_column(restorations, results, rows) -> None:
    for trial in restorations.trials:
        if trial.labels == {"solver": "ours", "problem": "halves"}:
            results.grid(trial.id).unlink()
    drawing = restorations_drawing(
        restorations, rows(restorations, results), results, ITEM, name="r"
    )
    assert columns(drawing)[:4] == [
        ("original", [0, 1, 2]),
        ("degraded", [50, 51, 52]),
        ("ours, halves", []),
        ("bicubic, halves", [150, 151, 152]),
    ]
    assert drawing.figure.axes[2].texts[0].get_text() == "no picture"


def test_no_pictures_are_no_figure(steps, results, rows) -> None:
    assert restorations_drawing(steps, rows(steps, results), results, ITEM, name="r") is None


def test_samples_show_an_arm_that_has_none(sweep, results, rows) -> None:
    study = sweep(weights=(0, 0.05, 5), seeds=(0,), shares=(1.0,))
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") != 5:
            results.finish(trial)
        if trial.labels.get("fidelity_weight") == 0:
            results.draw(trial)
    item = SamplesItem(kind="samples", over="fidelity_weight", images=4)
    drawing = samples_drawing(study, rows(study, results), results, item, name="s")
    assert drawing is not None
    said = [[text.get_text() for text in axes.texts] for axes in drawing.figure.axes]
    assert said == [[], ["no picture"], ["missing"], ["no picture"]]


def test_tiles_are_laid_out_in_reading_order() -> None:
    tiles = [np.full((8, 8), grey, np.uint8) for grey in range(5)]
    whole = laid_out(tiles, columns=2)
    assert [int(whole[y, x]) for y in (4, 13) for x in (4, 13)] == [0, 1, 2, 3]
    assert whole.shape == (17, 17)
