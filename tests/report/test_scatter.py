import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from rgm_bench.config.study import ScatterItem
from rgm_bench.published import published_rows
from rgm_bench.report.aggregate import Estimate
from rgm_bench.report.columns import column
from rgm_bench.report.figures.scatter import scatter_drawings
from rgm_bench.report.figures.scatter_points import Point, pareto_front
from rgm_bench.report.select import arms, measures
from rgm_bench.report.style import rendered
from tests.report.conftest import STEPS, finish

FID = "fid.digits_cnn_v1.n1437"


def item(**fields: object) -> ScatterItem:
    given = {"kind": "scatter", "x": "nfe", "y": "fid", "label": "num_levels"}
    return ScatterItem.model_validate(given | fields)


def exact(value: float) -> Estimate:
    return Estimate(value, None, None, 1, "plain")


def markers(axes) -> dict[float, float]:
    """The points of a panel: what each costs and scores."""
    lines = [line for line in axes.get_lines() if line.get_marker() in ("o", "s")]
    return {
        float(x): float(y)
        for line in lines
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


small = st.integers(1, 6)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=12), st.booleans())
def test_the_front_is_what_nothing_beats(places: list[tuple[int, int]], lower: bool) -> None:
    points = [Point("", str(i), exact(x), exact(y)) for i, (x, y) in enumerate(places)]

    def beats(one: Point, other: Point) -> bool:
        sign = 1 if lower else -1
        costs = one.x.center - other.x.center
        scores = sign * (one.y.center - other.y.center)
        return costs <= 0 and scores <= 0 and (costs < 0 or scores < 0)

    free = [p for p in points if not any(beats(other, p) for other in points)]
    front = pareto_front(points, "lower" if lower else "higher")
    assert {p.text for p in front} == {p.text for p in free}
    assert [p.x.center for p in front] == sorted(p.x.center for p in free)


def test_a_score_without_direction_has_no_front() -> None:
    assert pareto_front([Point("", "a", exact(1), exact(1))], None) == []


def test_points_are_the_estimates_of_the_arms(steps, results, rows) -> None:
    trials = rows(steps, results)
    (drawing,) = scatter_drawings(steps, trials, item(), name="s")
    found = markers(drawing.figure.axes[0])
    for arm in arms(steps, trials, over="num_levels"):
        if arm.real is None:
            seeds = [trial[FID] for trial in arm.trials]
            assert found[float(arm.labels["num_levels"])] == pytest.approx(
                np.exp(np.log(seeds).mean())
            )
    assert len(found) == 4


def test_seconds_an_image_are_one_over_images_a_second(steps, results, rows) -> None:
    trials = rows(steps, results)
    (drawing,) = scatter_drawings(steps, trials, item(x="seconds_per_image"), name="s")
    assert sorted(markers(drawing.figure.axes[0])) == pytest.approx([n / 800 for n in (1, 2, 4, 8)])
    (measure,) = measures([("s", column("seconds_per_image"))], trials)
    arm = arms(steps, trials, over="num_levels")[0]
    assert measure.values(arm) == [1 / t["images_per_second"] for t in arm.trials]


def test_published_points_have_axes_of_their_own(steps, results, rows) -> None:
    (drawing,) = scatter_drawings(steps, rows(steps, results), item(published="cifar10"), name="s")
    ours, theirs = drawing.figure.axes
    known = [
        (row.value("nfe").number, row.value("fid").number)
        for row in published_rows("choi2023", dataset="cifar10")
        if row.value("fid").number is not None
    ]
    drawn = next(line for line in theirs.get_lines() if line.get_marker() == "s")
    assert sorted(zip(drawn.get_xdata(), drawn.get_ydata(), strict=True)) == sorted(known)
    assert not {y for _, y in known} & set(markers(ours).values())
    assert {text.get_text() for text in theirs.texts} >= {"DDPM (S)", "Score SDE (VP) (P)"}
    assert "CIFAR-10, inception, n=50,000" in theirs.get_title()
    assert "digits, digits_cnn_v1, n=1437" in ours.get_title()
    (alone,) = scatter_drawings(steps, rows(steps, results), item(), name="s")
    assert len(alone.figure.axes) == 1


def names(figure: Figure) -> list:
    canvas = figure.canvas
    return [text.get_window_extent(canvas.get_renderer()) for a in figure.axes for text in a.texts]


def test_names_cover_neither_each_other_nor_move_anything(steps, results, rows) -> None:
    (drawing,) = scatter_drawings(steps, rows(steps, results), item(published="cifar10"), name="s")
    figure = drawing.figure
    before = [x for axes in figure.axes for x in axes.get_position().bounds]
    boxes = names(figure)
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(one.overlaps(other) for one, other in pairs)
    rendered(figure)
    after = [x for axes in figure.axes for x in axes.get_position().bounds]
    assert after == pytest.approx(before)


def test_arms_of_a_second_axis_are_joined_and_what_lacks_is_named(toy, results, rows) -> None:
    (drawing,) = scatter_drawings(toy, rows(toy, results), item(y="w2", label="arm"), name="s")
    axes = drawing.figure.axes[0]
    joined = {line.get_label(): line for line in axes.get_lines() if line.get_label()[:3] == "arm"}
    assert list(joined["arm kld"].get_xdata()) == [1, 4, 8]
    assert list(joined["arm mmd"].get_xdata()) == [1, 4]
    assert [text.get_text() for text in axes.texts] == ["1", "4", "8", "1", "4"]
    assert "Nothing finished yet: mmd, 8." in drawing.caption
    low, high = axes.get_ylim()
    assert all(low < y < high for line in joined.values() for y in line.get_ydata())


def test_nothing_finished_is_no_figure(sweep, results, rows) -> None:
    study = sweep()
    asked = item(label="fidelity_weight")
    assert scatter_drawings(study, rows(study, results), asked, name="s") == []


def test_many_arms_have_numbers_and_a_key(study_of, results, rows) -> None:
    study = study_of(STEPS.replace("values: [1, 2, 4, 8]", "values: [9, 8, 7, 6, 5, 4, 3, 2, 1]"))
    for trial in study.trials:
        nfe = float(trial.labels.get("num_levels", 1))
        finish(results, trial, {"fid": 20 / nfe}, nfe=nfe)
    (drawing,) = scatter_drawings(study, rows(study, results), item(), name="s")
    assert [text.get_text() for text in drawing.figure.axes[0].texts] == list("123456789")
    key = drawing.figure.legends[-1]
    # from cheap to expensive: the number of an arm is that of its steps here
    assert [text.get_text() for text in key.get_texts()] == [f"{n}  {n}" for n in range(1, 10)]
