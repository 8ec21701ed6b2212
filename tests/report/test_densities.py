from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from rgm_bench.config.study import DensitiesItem
from rgm_bench.errors import StoreError
from rgm_bench.report.figures.densities import densities_drawing
from rgm_bench.report.figures.point_clouds import BINS, Frame, frame_of, read_cloud

ITEM = DensitiesItem(kind="densities", over="num_levels", evaluation="generation")
FRAME = Frame(-2, -2, 4)


def cloud(num: int = 400, *, spread: float = 0.3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, (num, 2))


def test_a_density_is_the_share_of_points_inside() -> None:
    inside = cloud()
    assert FRAME.density(inside).sum() == pytest.approx(1)
    far = np.concatenate([inside, np.full((100, 2), 9.0)])
    assert FRAME.density(far).sum() == pytest.approx(0.8)
    assert FRAME.share_outside(far) == pytest.approx(0.2)
    assert_allclose(FRAME.density(far), 0.8 * FRAME.density(inside))


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_moving_the_points_moves_the_density(right: int, up: int) -> None:
    cell = FRAME.size / BINS
    places = (np.floor(cloud(seed=1) / cell) + 0.5) * cell  # in the middle of cells
    moved = FRAME.density(places + cell * np.array([right, up]))
    assert_allclose(moved, np.roll(FRAME.density(places), (up, right), (0, 1)), atol=1e-12)


def test_the_frame_holds_all_real_points_whatever_else_there_is() -> None:
    real, wild = cloud(), 1e4 * cloud(seed=2)
    frame = frame_of(real, [real, wild])
    assert frame == Frame.around(real)
    assert frame.share_outside(real) == 0
    alone = frame_of(None, [np.concatenate([real, [[1e9, 0]]])])
    assert alone.size < 10


def test_a_file_of_something_else_is_named(tmp_path) -> None:
    path = tmp_path / "points.npy"
    np.save(path, np.zeros((3, 4), "f4"))
    with pytest.raises(StoreError, match=r"points\.npy: found an array of \(3, 4\)"):
        read_cloud(path)
    path.write_bytes(b"no array")
    with pytest.raises(StoreError, match="not readable as a NumPy file"):
        read_cloud(path)
    np.save(path, np.array([[0, 1], [np.nan, 0]], "f4"))
    assert read_cloud(path).tolist() == [[0, 1]]


def images(drawing) -> dict[tuple[str, str], np.ndarray]:
    """What each panel shows, by the first line of its title and the name of its row."""
    row, found = "", {}
    for axes in drawing.figure.axes:
        row = axes.get_ylabel() or row
        for image in axes.get_images():
            title = axes.get_title().split("\n")[0]
            found[row if not title.startswith("real") else "", title] = image.get_array()
    return found


def test_each_panel_is_the_first_seed_of_its_arm_in_the_frame_of_real_points(
    toy, results, rows
) -> None:
    drawing = densities_drawing(toy, rows(toy, results), results, ITEM, name="d")
    assert drawing is not None
    shown = images(drawing)
    first = {
        (trial.labels.get("arm"), trial.labels.get("num_levels")): results.points(trial.id)
        for trial in reversed(toy.trials)
        if results.points(trial.id)
    }
    frame = Frame.around(read_cloud(first.pop((None, None))))
    assert len(shown) == 1 + len(first)
    for (arm, levels), path in first.items():
        panel = shown[f"arm {arm}", str(levels)]
        assert_allclose(panel, frame.density(read_cloud(path)))
    assert next(iter(shown))[1] == "real train"


def test_what_has_not_finished_says_so(toy, results, rows) -> None:
    drawing = densities_drawing(toy, rows(toy, results), results, ITEM, name="d")
    assert drawing is not None
    lacking = [a for a in drawing.figure.axes if any(t.get_text() == "missing" for t in a.texts)]
    assert [axes.get_title().split("\n")[0] for axes in lacking] == ["8"]


def test_a_single_axis_fills_rows_without_gaps(toy, results, rows) -> None:
    trials = tuple(t for t in toy.trials if t.labels.get("arm") != "mmd")
    trials = tuple(
        replace(t, labels={k: v for k, v in t.labels.items() if k != "arm"}) for t in trials
    )
    study = replace(toy, trials=trials, axes={"num_levels": (1, 4, 8)})
    drawing = densities_drawing(study, rows(study, results), results, ITEM, name="d")
    assert drawing is not None
    titles = [axes.get_title().split("\n")[0] for axes in drawing.figure.axes]
    assert titles == ["real train", "1", "4", "8"]


def test_without_any_points_there_is_no_figure(sweep, results, rows) -> None:
    study = sweep(seeds=(0,), shares=(1.0,))
    for trial in study.trials:
        results.finish(trial)
    asked = ITEM.model_copy(update={"over": "fidelity_weight"})
    assert densities_drawing(study, rows(study, results), results, asked, name="d") is None
