from dataclasses import replace

import numpy as np
import pytest

from rgm_bench.config.study import CurveItem
from rgm_bench.report.figures.curve import curve_drawings


def item(**fields: object) -> CurveItem:
    given = {"kind": "curve", "x": "num_levels", "y": "w2", "scale": "log", "series": "arm"}
    return CurveItem.model_validate(given | fields)


def lines(drawing) -> dict[str, list[tuple[float, float]]]:
    """The points of each line that has a name."""
    drawn = drawing.figure.axes[0].get_lines()
    return {
        line.get_label(): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in drawn
        if not line.get_label().startswith(("_", "real"))
    }


def test_a_line_for_each_label_of_the_series(toy, results, rows) -> None:
    trials = rows(toy, results)
    (drawing,) = curve_drawings(toy, trials, item(), name="c")
    found = lines(drawing)
    assert list(found) == ["kld", "mmd"]
    assert [x for x, _ in found["mmd"]] == [1, 4]
    for arm, points in found.items():
        for x, y in points:
            seeds = [
                t["w2.points.n500"]
                for t in trials
                if (t["axis.arm"], t["axis.num_levels"]) == (arm, x)
            ]
            assert y == pytest.approx(np.exp(np.log(seeds).mean()))
    assert drawing.figure.legends[0].get_title().get_text() == "arm"


def test_without_a_series_the_same_lines_name_their_axis(toy, results, rows) -> None:
    trials = rows(toy, results)
    (series,), (plain,) = (
        curve_drawings(toy, trials, asked, name="c") for asked in (item(), item(series=None))
    )
    assert list(lines(plain)) == ["arm kld", "arm mmd"]
    assert list(lines(plain).values()) == list(lines(series).values())


def test_a_third_axis_changes_the_style_and_is_not_averaged_over(toy, results, rows) -> None:
    trials = tuple(
        replace(t, labels={**t.labels, "z": "with" if t.seed else "without"})
        for t in toy.trials
        if t.real is None
    )
    study = replace(toy, trials=trials, axes={**toy.axes, "z": ("with", "without")})
    (drawing,) = curve_drawings(study, rows(study, results), item(), name="c")
    assert list(lines(drawing)) == [
        f"{arm}, z {z}" for arm in ("kld", "mmd") for z in ("with", "without")
    ]
    drawn = [li for li in drawing.figure.axes[0].get_lines() if li.get_label() in lines(drawing)]
    assert [line.get_color() for line in drawn[:2]] == [drawn[0].get_color()] * 2
    assert [line.get_linestyle() for line in drawn] == ["-", "--"] * 2


def test_gaps_of_all_lines_are_counted_at_their_place(toy, results, rows) -> None:
    (drawing,) = curve_drawings(toy, rows(toy, results), item(), name="c")
    ticks = [text.get_text() for text in drawing.figure.axes[0].get_xticklabels()]
    assert ticks == ["1", "4", "8\n2 of 4"]


def test_any_column_can_be_drawn(toy, results, rows) -> None:
    trials = rows(toy, results)
    (drawing,) = curve_drawings(toy, trials, item(y="nfe", series=None), name="c")
    assert lines(drawing)["arm kld"] == [(1, 1), (4, 4), (8, 8)]


def test_a_curve_of_one_evaluation(restorations, results, rows) -> None:
    asked = item(x="solver", y="psnr", series=None, evaluation="restoration")
    assert curve_drawings(restorations, rows(restorations, results), asked, name="c") == []
