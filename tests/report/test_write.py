import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rgm_bench.config.study import SamplesItem, StudySpec, TableItem
from rgm_bench.report import write_report
from rgm_bench.report.figures.curve import curve_drawings
from rgm_bench.report.figures.samples import samples_drawing
from rgm_bench.report.select import rows_of
from rgm_bench.results.frames import evaluations_frame


@pytest.fixture
def study(sweep, results) -> StudySpec:
    study = sweep(weights=(0, 0.05, 5), seeds=(0, 1), shares=(0.5, 1.0))
    for trial in study.trials:
        if trial.labels.get("fidelity_weight") != 5 or trial.seed == 0:
            results.finish(trial)
            results.draw(trial)
    return study


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_results_give_the_same_bytes(study, results, tmp_path) -> None:
    reports = [write_report(study, results, tmp_path / name) for name in ("one", "two")]
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one == two
    assert set(one) == {
        str(path.relative_to(tmp_path / "one"))
        for path in (reports[0].page, reports[0].trials, *reports[0].files)
    }
    assert reports[0].counts == {"ok": 14, "missing": 2}
    assert sorted(path.suffix for path in reports[0].files) == sorted(
        [".csv", ".md", ".tex", *[".svg", ".png"] * 3]
    )


def test_every_kind_of_item_is_written_and_twice_the_same(toy, results, tmp_path) -> None:
    reports = [write_report(toy, results, tmp_path / name) for name in ("one", "two")]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert {path.stem for path in reports[0].files} == {
        "table_arm",
        "w2_over_num_levels",
        "w2_against_nfe",
        "densities_over_num_levels",
    }


def test_published_numbers_and_restorations_are_written_too(
    steps, restorations, results, tmp_path
) -> None:
    files = write_report(steps, results, tmp_path / "steps").files
    files += write_report(restorations, results, tmp_path / "restorations").files
    stems = {path.stem for path in files}
    assert {"published_cifar10", "fid_against_nfe", "restorations_restoration"} <= stems
    page = (tmp_path / "steps" / "report.html").read_text()
    assert page.count('<th scope="colgroup"') == 2
    assert "not comparable in size, only in order" in page


class Resources(HTMLParser):
    """Every tag of a page, and every place it would fetch something from."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.handlers += [key for key, _ in attrs if key.startswith("on")]
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]


def test_the_page_needs_nothing_else_and_runs_nothing(study, results, tmp_path) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    study = replace(study, title=hostile, resolved={"title": hostile}, name="a")
    text = write_report(study, results, tmp_path).page.read_text()
    page = Resources()
    page.feed(text)
    assert "script" not in page.tags
    assert not page.handlers
    assert all(link.startswith(("#", "data:")) for link in page.links)
    assert not re.search(r"url\((?!#)|@import", text)
    assert "&lt;script&gt;" in text


def test_nothing_finished_says_so(sweep, results, tmp_path) -> None:
    report = write_report(sweep(), results, tmp_path)
    assert "Nothing has finished yet" in report.page.read_text()
    assert {path.suffix for path in report.files} == {".csv", ".md", ".tex"}


def test_the_page_lists_what_is_missing(study, results, tmp_path) -> None:
    text = write_report(study, results, tmp_path).page.read_text()
    row = re.search(r"<tr><td>fidelity weight 5</td>.*</tr>", text)
    assert row is not None
    assert "16,000 / 32,000" in row[0]
    assert "missing" in row[0]


def test_figures_are_svg_and_png_at_200_dots_an_inch(study, results, tmp_path) -> None:
    report = write_report(study, results, tmp_path)
    for path in report.files:
        if path.suffix == ".svg":
            assert ET.parse(path).getroot().tag.endswith("svg")
            assert b"<dc:date>" not in path.read_bytes()
        if path.suffix == ".png":
            with Image.open(path) as image:
                assert image.info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_an_item_that_is_asked_for_twice_has_two_files(study, results, tmp_path) -> None:
    item = TableItem(kind="table", rows="fidelity_weight", columns=("fid",))
    report = write_report(replace(study, report=(item, item)), results, tmp_path)
    names = [path.name for path in report.files if path.suffix == ".csv"]
    assert names == ["table_fidelity_weight.csv", "table_fidelity_weight_2.csv"]


def test_names_of_axes_cannot_leave_the_folder(study, results, tmp_path) -> None:
    axis = "../../x"
    trials = tuple(
        replace(t, labels=dict.fromkeys([axis] * len(t.labels), t.labels.get("fidelity_weight")))
        for t in study.trials
    )
    item = TableItem(kind="table", rows=axis, columns=("fid",))
    study = replace(study, trials=trials, axes={axis: (0, 0.05, 5)}, report=(item,))
    report = write_report(study, results, tmp_path / "inside")
    assert all((tmp_path / "inside") in path.resolve().parents for path in report.files)


def test_a_curve_passes_through_the_means_and_shows_every_seed(study, results) -> None:
    trials = rows_of(evaluations_frame(study, results))
    item = study.report[1]
    (drawing,) = curve_drawings(study, trials, item, name="curve")
    axes, top = drawing.figure.axes
    main = next(line for line in axes.get_lines() if line.get_label() == "32,000 images")
    fid, last = "fid.digits_cnn_v1.n1437", [t for t in trials if t["at"] == 1]
    values = [[t[fid] for t in last if t["axis.fidelity_weight"] == w] for w in (0, 0.05)]
    assert main.get_xdata().tolist() == [0, 0.05, 5]
    means = [np.exp(np.mean(np.log(seeds))) for seeds in values]
    assert main.get_ydata()[:2] == pytest.approx(means)
    dots = axes.collections[-1].get_offsets()
    assert sorted(y for x, y in dots if x == 0.05) == pytest.approx(sorted(values[1]))
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "0.05", "5\n1 of 2"]
    assert [text.get_text() for text in top.get_xticklabels()] == ["∞", "20", "0.2"]
    assert axes.get_xlim() == pytest.approx(top.get_xlim())


def test_samples_show_the_first_pictures_of_the_first_seed(study, results) -> None:
    trials = rows_of(evaluations_frame(study, results))
    item = SamplesItem(kind="samples", over="fidelity_weight", images=4)
    drawing = samples_drawing(study, trials, results, item, name="samples")
    first = next(t for t in study.trials if t.spec.source.at == 1.0)
    with Image.open(results.grid(first.id)) as file:
        grid = np.asarray(file)
    shown = drawing.figure.axes[0].get_images()[0].get_array()
    assert (shown[:32, :32] == grid[:32, :32]).all()
    assert (shown[:32, 36:68] == grid[:32, 32:64]).all()
    assert (shown[36:68, :32] == grid[:32, 64:96]).all()
    titles = [axes.get_title().split("\n")[0] for axes in drawing.figure.axes]
    assert titles == ["0", "0.05", "5", "real train"]


def test_a_study_without_axes_is_reported(sweep, results, tmp_path) -> None:
    made = sweep(weights=(0.05,), seeds=(0, 1), shares=(0.5, 1.0), report=())
    trials = tuple(replace(trial, labels={}) for trial in made.trials)
    for trial in trials:
        results.finish(trial)
    report = write_report(replace(made, axes={}, trials=trials), results, tmp_path / "report")
    assert report.counts == {"ok": 8}
