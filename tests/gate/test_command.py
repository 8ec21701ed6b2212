"""`rgm-bench check` as a user meets it: a real study, real trainings, each exit code."""

import json
import shutil
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.gate.conftest import (
    BASELINE,
    OF_THE_STUDY,
    check_study,
    command,
    copy_of_the_package,
    plant,
    quick,
)


def scaled(factor: float) -> Any:
    def change(baseline: dict[str, Any]) -> None:
        for number in baseline["numbers"]:
            number["values"] = {seed: factor * v for seed, v in number["values"].items()}

    return change


@pytest.mark.process
def test_unchanged_code_passes_and_every_output_says_so(gated, tmp_path) -> None:
    written = {name: tmp_path / name for name in ("markdown", "junit", "json", "summary")}
    done = command(
        *OF_THE_STUDY,
        *("--markdown", written["markdown"], "--junit", written["junit"]),
        *("--json", written["json"]),
        cwd=gated,
        environment={"GITHUB_STEP_SUMMARY": str(written["summary"])},
    )
    assert "fingerprint: same numbers as the baseline" in done.stdout
    assert "0 to run with this code" in done.stdout
    smallest = "the smallest regression that this gate finds 9 times in 10"
    assert smallest in done.stdout
    assert done.stdout.index("fingerprint:") < done.stdout.index("PASS")
    assert smallest in written["markdown"].read_text()
    assert written["summary"].read_text() == written["markdown"].read_text()
    suite = ElementTree.parse(written["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")
    record = json.loads(written["json"].read_text())
    assert record["verdict"] == "pass"
    assert record["numbers"][0]["detectable"] > record["numbers"][0]["margin"] > 0
    assert len(record["values"]["generation: w2.points.n200"]) == 5


def test_a_regression_is_exit_code_one(gated, edited, tmp_path) -> None:
    xml = tmp_path / "junit.xml"
    done = check_study("--baseline", edited(scaled(0.5)), "--junit", xml, cwd=gated, expected=1)
    assert "REGRESSION" in done.stdout
    assert "worse beyond chance and by more than the margin" in done.stdout
    failure = ElementTree.parse(xml).getroot().find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.get("type") == "regression"


def test_an_improvement_passes_with_advice(gated, edited) -> None:
    def change(baseline: dict[str, Any]) -> None:
        scaled(2.0)(baseline)
        baseline["numbers"][0]["weights"] = {}

    done = check_study("--baseline", edited(change), cwd=gated)
    assert "IMPROVEMENT" in done.stdout
    assert "--update" in done.stdout


def test_the_same_weights_that_score_better_are_exit_code_four(gated, edited, tmp_path) -> None:
    xml = tmp_path / "junit.xml"
    done = check_study("--baseline", edited(scaled(2.0)), "--junit", xml, cwd=gated, expected=4)
    assert "NOT COMPARABLE" in done.stdout
    assert "the same trained weights are sampled or measured otherwise" in done.stdout
    assert "--update" in done.stdout
    suite = ElementTree.parse(xml).getroot()
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


def test_what_the_seeds_do_not_decide_is_exit_code_three_or_passes(gated, edited) -> None:
    def change(baseline: dict[str, Any]) -> None:
        # as if its seeds had hardly differed: so small a regression these ones cannot exclude
        values = {str(seed): 0.82 + 0.001 * seed for seed in range(5)}
        baseline["numbers"][0] |= {"values": values, "weights": {}}

    path = edited(change)
    done = check_study("--baseline", path, cwd=gated, expected=3)
    assert "INCONCLUSIVE" in done.stdout
    assert "seeds on either side" in done.stdout
    check_study("--baseline", path, "--inconclusive", "pass", cwd=gated)


def test_other_devices_and_specs_are_exit_code_four_with_each_difference(gated, edited) -> None:
    def change(baseline: dict[str, Any]) -> None:
        baseline["device"]["instructions"] = "AVX2"
        baseline["numbers"][0]["spec"]["measure"]["num_points"] = 400
        baseline["numbers"][0]["spec"]["source"]["training"]["images"] = 640

    done = check_study("--baseline", edited(change), cwd=gated, expected=4)
    assert "fingerprint: cannot be compared" in done.stdout
    assert "device.instructions: AVX2 -> " in done.stdout
    assert "measure.num_points: 400 -> 200" in done.stdout
    assert "source.training.images: 640 -> 1280" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--baseline", "none.json"], "--update writes one"),
        (["--set", "seeds=[0, 1, 2, 3]", "--baseline", str(BASELINE)], "found 4 seeds"),
        (["--metric", "fidd"], "no number to gate is called"),
        (["--against", "HEAD", "--update"], "leave out --update"),
        (["--arm-folders", "x/{seed}"], "more than one of them"),
    ],
)
def test_mistakes_are_exit_code_two(gated, words, message) -> None:
    assert message in check_study(*words, cwd=gated, expected=2).stderr


def test_a_hand_edited_baseline_is_a_sentence_with_its_place(gated, edited) -> None:
    def change(baseline: dict[str, Any]) -> None:
        baseline["numbers"][0]["margin"] = "small"
        baseline["colour"] = "blue"

    stderr = check_study("--baseline", edited(change), cwd=gated, expected=2).stderr
    assert "edited.json:1:" in stderr
    assert 'numbers.0.margin: found the text "small"; expected a number' in stderr
    assert "colour: unknown key" in stderr


@pytest.mark.process
def test_other_code_runs_anew_and_its_fingerprint_says_from_where(gated, tmp_path) -> None:
    """Results of other code do not count: a copy of the package with one line changed."""
    plant(copy_of_the_package(tmp_path))
    shutil.copytree(gated / "results", tmp_path / "store")
    done = command(
        *(*OF_THE_STUDY, "--inconclusive", "pass", "--store", tmp_path / "store"),
        cwd=gated,
        environment={"PYTHONPATH": str(tmp_path)},
    )
    assert "fingerprint: other numbers from step " in done.stdout
    assert "15 units, 15 to run with this code" in done.stdout
    assert "the code of trainings and of evaluations is not the baseline's" in done.stdout


@pytest.mark.process
def test_the_same_trainings_measured_otherwise_are_compared_in_pairs(gated, tmp_path) -> None:
    """Points a tenth too far out in a copy of the package: too little for unpaired seeds."""
    package = copy_of_the_package(tmp_path)
    file = package / "evaluation" / "points.py"
    right = "return torch.cat(list(blocks))"
    text = file.read_text()
    assert text.count(right) == 1
    file.write_text(text.replace(right, "return 1.1 * torch.cat(list(blocks))"))
    shutil.copytree(gated / "results", tmp_path / "store")
    written = tmp_path / "check.json"
    command(
        *(*OF_THE_STUDY, "--store", tmp_path / "store", "--json", written),
        cwd=gated,
        expected=1,
        environment={"PYTHONPATH": str(tmp_path)},
    )
    record = json.loads(written.read_text())
    (found,) = record["numbers"]
    assert found["in_pairs"]
    assert found["effect"] < 1 + found["detectable"]
    assert "in pairs of the same trained weights" in found["explanation"]
    assert any("how they are sampled or measured" in note for note in record["notes"])


def test_the_fingerprint_alone(gated, edited) -> None:
    def change(baseline: dict[str, Any]) -> None:
        losses = baseline["fingerprints"][0]["losses"]
        losses["prior"] = losses["prior"].replace(" 4:0x1.", " 4:0x1.1")

    assert "same numbers" in check_study("--only", "fingerprint", cwd=gated).stdout
    words = ["--only", "fingerprint", "--baseline", edited(change)]
    assert "other numbers from step 5 on" in check_study(*words, cwd=gated, expected=1).stdout


def test_a_time_limit_leaves_the_rest_for_later(gated, tmp_path) -> None:
    words = ["--update", "--time-limit", "0.001 s", "--store", tmp_path / "s"]
    done = check_study(*words, "--baseline", tmp_path / "b.json", cwd=gated, expected=6)
    assert "run again: rgm-bench check studies/tiny.yaml" in done.stderr
    assert not (tmp_path / "b.json").exists()


@pytest.mark.process
def test_speed_is_a_ratio_measured_afresh(gated, tmp_path) -> None:
    kept = tmp_path / "speed.json"
    words = ["--metric", "seconds", "--metric", "images_per_second", "--baseline", kept]
    check_study(*words, "--update", cwd=gated)
    numbers = {n["metric"]: n for n in json.loads(kept.read_text())["numbers"]}
    for metric, better in (("seconds", "lower"), ("images_per_second", "higher")):
        assert numbers[metric]["better"] == better
        assert len(set(numbers[metric]["values"].values())) == 5
        assert numbers[metric]["ids"] == {}


def test_history_lists_checks_and_baselines_and_draws_them(gated) -> None:
    check_study(cwd=gated)
    done = quick("history", "studies/tiny.yaml", "--profile", "smoke", cwd=gated)
    lines = [line for line in done.stdout.splitlines() if "w2.points.n200" in line]
    assert lines[0].split()[-1] == "baseline"
    assert lines[-1].split()[-1] == "pass"
    drawn = gated / "results" / "gates" / "tiny-smoke"
    assert ElementTree.parse(drawn / "history.svg").getroot().tag.endswith("svg")
    assert (drawn / "history.png").read_bytes().startswith(b"\x89PNG")
