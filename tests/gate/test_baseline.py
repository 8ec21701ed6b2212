"""Baselines and what is said of a check, without any training."""

import json
import subprocess
from math import nan
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rgm_bench.errors import StudyError
from rgm_bench.gate.baseline import (
    Fingerprint,
    Measurement,
    Number,
    read_baseline,
    spec_differences,
    write_baseline,
)
from rgm_bench.gate.compare import changes, compare, require_enough
from rgm_bench.gate.device import DeviceKind, kind_of
from rgm_bench.gate.fingerprint import compare_fingerprints
from rgm_bench.gate.history import Entry, history, keep_record
from rgm_bench.gate.outputs.figure import history_figure
from rgm_bench.gate.outputs.junit import junit
from rgm_bench.gate.outputs.markdown import escaped, markdown

DEVICE = DeviceKind(device="cpu", instructions="AVX512", vendor="AMD", threads=1, torch="2.15.0")
VALUES = (9.6, 10.1, 9.2, 10.9, 9.9)
SCATTERED = (8.5, 9.6, 10.9, 12.5, 13.5)


def number(
    values: "tuple[float | None, ...]" = VALUES, arm: str = "lambda 0.05", **changed: Any
) -> Number:
    fields: dict[str, Any] = {
        "arm": arm,
        "evaluation": "generation",
        "metric": "fid.digits_cnn_v1.n1437",
        "scale": "log",
        "better": "lower",
        "margin": 0.02,
        "spec": {"measure": {"num_images": 1437}},
        "margin_in_pairs": 0.002,
        "ids": {},
        "weights": {},
        "values": {str(seed): value for seed, value in enumerate(values)},
    }
    return Number(**(fields | changed))


def measurement(*numbers: Number, **changed: Any) -> Measurement:
    fields: dict[str, Any] = {
        "gate": "ci_fid-laptop",
        "commit": "0123456789abcdef",
        "time": "2026-01-01T00:00:00+00:00",
        "device": DEVICE,
        "versions": {"torch": "2.15.0"},
        "code": {"training": "00000000", "evaluation": "11111111"},
        "numbers": numbers or (number(),),
    }
    return Measurement(**(fields | changed))


def checked(now: Measurement, before: Measurement, **options: Any):
    return compare(now, before, against="the baseline", **options)


def test_a_baseline_is_read_as_it_was_written(tmp_path) -> None:
    kept = measurement(
        number((9.6, None, 9.2, 1e-5, 9.9)),
        fingerprints=(Fingerprint(arm="", training="ab", losses={"prior": "0:0x1.8p+0"}),),
    )
    write_baseline(kept, tmp_path / "b.json")
    assert read_baseline(tmp_path / "b.json") == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing; expected a baseline"),
        ("[1, 2]", "found a list; expected a baseline"),
        ("{broken", "broken YAML"),
        ('{"format": 7}', "format: found 7; this version of rgm-bench reads format 2"),
        ('{"format": 2, "numbers": 3}', "numbers: found 3; expected a list"),
    ],
)
def test_what_is_no_baseline_is_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(StudyError, match=message.replace("[", r"\[")):
        read_baseline(tmp_path / "b.json")


def test_differences_of_specs_are_named_by_their_fields() -> None:
    before = {"a": {"b": 1, "same": [1, 2]}, "gone": None}
    assert list(spec_differences(before, {"a": {"b": 2, "same": [1, 2]}, "new": "x"})) == [
        "a.b: 1 -> 2",
        "gone: null -> absent",
        'new: absent -> "x"',
    ]


def test_two_processors_of_one_vendor_are_one_kind_and_two_gpus_are_not() -> None:
    cpu = {
        "device": "cpu",
        "device_name": "AMD EPYC 7763 64-Core Processor",
        "cpu_capability": "AVX2",
        "threads": 1,
        "versions": {"torch": "2.15.0"},
    }
    assert kind_of(cpu) == kind_of({**cpu, "device_name": "AMD EPYC"})
    assert kind_of(cpu) != kind_of({**cpu, "device_name": "Intel(R) Xeon(R)"})
    gpu = {**cpu, "device": "cuda", "device_name": "NVIDIA H100"}
    assert kind_of(gpu) == kind_of({**gpu, "cpu_capability": "AVX512"})
    assert kind_of(gpu) != kind_of({**gpu, "device_name": "NVIDIA A100"})


def test_numbers_that_came_or_went_are_not_comparable_unless_only_some_are_asked_for() -> None:
    both = measurement(number(), number(arm="other"))
    assert checked(both, measurement()).verdict == "not comparable"
    assert checked(measurement(), both).verdict == "not comparable"
    assert checked(measurement(), both, others=True).verdict == "pass"


def test_one_regression_among_several_numbers_is_a_regression() -> None:
    worse = number(tuple(2 * value for value in VALUES), arm="other")
    now = measurement(number(), worse)
    check = checked(now, measurement(number(), number(arm="other")))
    assert [finding.ruling for finding in check.findings] == ["pass", "regression"]
    assert check.verdict == "regression"


def test_the_margin_is_that_of_the_baseline_and_another_one_is_noted() -> None:
    before = measurement(number(margin=0.5))
    check = checked(measurement(number(margin=0.0)), before, margin=0.01)
    assert check.findings[0].margin == 0.5
    assert any("--update" in note for note in check.notes)


def test_a_baseline_needs_five_seeds_with_a_value() -> None:
    with pytest.raises(StudyError, match="4 of 5 seeds gave a value; a baseline needs 5"):
        require_enough(measurement(number((*VALUES[:4], None))))
    with pytest.raises(StudyError, match="has 4 seeds; a gate needs 5"):
        checked(measurement(number(VALUES[:4])), measurement(number(VALUES[:4])))


def test_an_update_says_what_it_changes() -> None:
    device = DEVICE.model_copy(update={"vendor": "Intel"})
    now = measurement(
        number(tuple(2 * v for v in VALUES), spec={"measure": {"num_images": 1000}}),
        number(arm="new"),
        device=device,
        code={"training": "22222222", "evaluation": "11111111"},
    )
    said = list(changes(measurement(number(), number(arm="old")), now))
    label = "generation: fid.digits_cnn_v1.n1437"
    assert said == [
        "device.vendor: AMD -> Intel",
        "code of trainings: 00000000 -> 22222222",
        f"lambda 0.05: {label}: measure.num_images: 1437 -> 1000",
        f"lambda 0.05: {label}: mean 9.94 of 5 seeds -> mean 19.88 of 5 seeds",
        f"new: {label}: new, mean 9.94 of 5 seeds",
        f"old: {label}: gone, was mean 9.94 of 5 seeds",
    ]
    assert list(changes(now, now)) == []


def prints(losses: dict[str, str], **changed: Any) -> Measurement:
    return measurement(fingerprints=(Fingerprint(arm="", training="ab", losses=losses),), **changed)


def test_a_fingerprint_says_from_which_step_on_numbers_differ() -> None:
    before = prints({"generator_loss": "0:0x1p0 1:0x1p1 2:0x1p2", "r1": "0:0x1p0"})
    assert compare_fingerprints(before, before)[0].sameness == "same"
    last = prints({"generator_loss": "0:0x1p0 1:0x1p1 2:0x1p3", "r1": "0:0x1p0"})
    assert compare_fingerprints(before, last)[0].text == "other numbers from step 3 on"
    new = prints({"generator_loss": "0:0x1p0 1:0x1p1 2:0x1p2", "r1": "0:0x1p0 1:0x1p0"})
    assert compare_fingerprints(before, new)[0].text == "other numbers from step 2 on"
    device = DEVICE.model_copy(update={"instructions": "AVX2"})
    elsewhere = compare_fingerprints(before, prints({"r1": "0:0x1p0"}, device=device))[0]
    assert elsewhere.sameness == "incomparable"
    assert "device.instructions: AVX512 -> AVX2" in elsewhere.text


UGLY = "a|b <i>*x*</i> [y](z) `c` \x0b & @team #1"


def test_markdown_and_junit_hold_any_name() -> None:
    now = measurement(number(tuple(2 * v for v in VALUES), arm=UGLY))
    check = checked(now, measurement(number(arm=UGLY)))
    row = next(line for line in markdown(check).splitlines() if line.startswith("| a"))
    assert row.replace(r"\|", "").count("|") == 9
    assert "<i>" not in row
    assert escaped("a_b*c") == r"a\_b\*c"
    suites = ElementTree.fromstring(junit(check, inconclusive_passes=False))
    assert suites.get("failures") == "1"
    case = suites.find("testsuite/testcase")
    assert case is not None
    assert UGLY.replace("\x0b", "?") in str(case.get("name"))


@pytest.mark.parametrize(("passes", "kind"), [(True, "skipped"), (False, "failure")])
def test_junit_counts_the_inconclusive_as_the_exit_code_does(passes: bool, kind: str) -> None:
    check = checked(measurement(number(SCATTERED)), measurement())
    assert check.verdict == "inconclusive"
    suites = ElementTree.fromstring(junit(check, inconclusive_passes=passes))
    assert suites.find(f"testsuite/testcase/{kind}") is not None


def test_history_holds_every_check_and_every_revision_of_the_baseline(tmp_path) -> None:
    path = tmp_path / "baselines" / "b.json"
    write_baseline(measurement(), path)
    later = measurement(number((*VALUES[:4], None)), time="2026-01-02T00:00:00+00:00")
    for _ in range(2):
        keep_record(checked(later, measurement()), tmp_path)
    entries = history("ci_fid-laptop", tmp_path, path)
    assert [(entry.kind, entry.verdict) for entry in entries] == [
        ("baseline", ""),
        ("check", "regression"),
        ("check", "regression"),
    ]
    assert entries[1].values == VALUES[:4]
    record = next((tmp_path / "gates" / "ci_fid-laptop").glob("*.json"))
    assert nan not in json.loads(record.read_text())["values"].values()


def test_history_reads_the_revisions_of_a_baseline_from_git(tmp_path) -> None:
    path = tmp_path / "baselines" / "b.json"

    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    for day in (1, 2):
        write_baseline(measurement(time=f"2026-01-0{day}T00:00:00+00:00"), path)
        git("add", "-A")
        git("commit", "-qm", str(day))
    (tmp_path / "baselines" / "b.json").write_text("{}")  # what cannot be read is left out
    entries = history("ci_fid-laptop", tmp_path, path)
    assert [entry.time[:10] for entry in entries] == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize("kinds", [["check"], ["baseline"], ["check", "baseline", "check"]])
def test_any_history_can_be_drawn(kinds: list[Any]) -> None:
    entries = [Entry("2026", None, kind, "a: fid.x.n10", VALUES, "pass") for kind in kinds]
    entries.append(Entry("2026", "0123", "check", "b: seconds / calibration", (), "regression"))
    svg, png = history_figure(entries)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert png.startswith(b"\x89PNG")


def losses(first: str) -> tuple[Fingerprint, ...]:
    return (Fingerprint(arm="lambda 0.05", training="ab", losses={"prior": first}),)


MOVED = (*VALUES[:3], 10.90001, 9.90001)


@pytest.mark.parametrize(
    ("values", "first", "weights", "said"),
    [
        (VALUES, "0:0x1.8p+0", "abcde", ""),
        (MOVED, "0:0x1.8p+0", "abcde", "2 of 5 seeds have other values"),
        (MOVED, "0:0x1.8p+0", "abcde", "how they are sampled or measured"),
        (MOVED, "0:0x1.9p+0", "abcde", "how they are sampled or measured"),
        (MOVED, "0:0x1.8p+0", "abcxy", "begin with the same losses and end with other weights"),
        (MOVED, "0:0x1.9p+0", "abcxy", ""),  # the fingerprint says it
        (MOVED, "0:0x1.8p+0", "", ""),  # nothing is known
    ],
)
def test_a_pass_says_which_numbers_are_not_the_baselines(values, first, weights, said) -> None:
    """Changes that are too small for the rule, which no first losses show."""
    baseline = measurement(number(weights=by_seed("abcde")), fingerprints=losses("0:0x1.8p+0"))
    now = measurement(number(values, weights=by_seed(weights)), fingerprints=losses(first))
    check = checked(now, baseline)
    assert check.verdict == "pass"
    found = [note for note in check.notes if "other values than in the baseline" in note]
    assert [said in note for note in found] == ([True] if said else [])


def test_the_same_trained_weights_are_compared_in_pairs_and_others_are_not() -> None:
    """2 % worse by each seed, which no seed would show by itself."""
    worse = tuple(1.02 * value for value in VALUES)
    margins = {"margin": 0.04, "margin_in_pairs": 0.004}
    before = measurement(number(weights=by_seed("abcde"), **margins))

    def verdict(values: "tuple[float | None, ...]" = worse, weights: str = "abcde") -> str:
        return checked(measurement(number(values, weights=by_seed(weights))), before).verdict

    assert verdict() == "regression"
    assert verdict(tuple(1.002 * value for value in VALUES)) == "pass"
    assert verdict(weights="abcdx") == verdict(weights="abcd") == verdict(weights="") == "pass"
    assert verdict((*worse, 9.0)) == "pass"  # a seed that the baseline lacks
    assert (
        checked(measurement(number(worse, weights=by_seed("abcde"))), before).findings[0].margin
        == 0.004
    )
    unknown = measurement(number(**margins))
    assert checked(measurement(number(worse, weights=by_seed("abcde"))), unknown).verdict == "pass"


def by_seed(digests: str) -> dict[str, str]:
    return {str(seed): digest for seed, digest in enumerate(digests)}
