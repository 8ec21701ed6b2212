"""The gate of a study file: what it says arrives, and mistakes have their place."""

from pathlib import Path

import pytest

from rgm_bench.config.gate import SPEEDS
from rgm_bench.config.load import load_study
from rgm_bench.errors import StudyError
from rgm_bench.gate.measure import gate_of, gated_trials
from tests.config.test_claims_grammar import BETTER, STUDY


def written(folder: Path, gate: str, profiles: str = "{smoke: {}, laptop: {}}") -> Path:
    path = folder / "study.yaml"
    text = STUDY.replace("CLAIM", BETTER).replace("profiles: {smoke: {}, laptop: {}}", "")
    path.write_text(f"{text}{gate}\nprofiles: {profiles}\n")
    return path


def test_what_it_says_arrives_and_a_profile_may_change_it(tmp_path) -> None:
    path = written(
        tmp_path,
        "gate: {metrics: [fid, seconds], evaluation: generation, margin: 0.02}",
        "{smoke: {gate: {margin: 0.5}}, laptop: {}}",
    )
    gate = load_study(path).gate
    assert gate is not None
    assert (gate.metrics, gate.evaluation, gate.margin) == (("fid", "seconds"), "generation", 0.02)
    smoke = load_study(path, profile="smoke").gate
    assert smoke is not None
    assert (smoke.metrics, smoke.margin) == (("fid", "seconds"), 0.5)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("{metrics: [fid]}", "gate.evaluation: missing; the study has several evaluations"),
        ("{metrics: [fid], evaluation: generatoin}", 'did you mean "generation"'),
        ("{metrics: [fidd], evaluation: generation}", 'gate.metrics.0: .*did you mean "fid"'),
        ("{metrics: [latent_diversity], evaluation: spread}", "no number to gate is called"),
        ("{metrics: [], evaluation: generation}", "gate.metrics: found 0 values"),
        ("{metrics: [fid], evaluation: generation, margin: -1}", "gate.margin: found -1"),
        ("{metric: fid}", "gate.metric: unknown key"),
    ],
)
def test_mistakes(tmp_path, gate: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        load_study(written(tmp_path, f"gate: {gate}"))


def test_the_command_line_chooses_among_what_is_measured(tmp_path) -> None:
    study = load_study(written(tmp_path, "gate: {metrics: [fid], evaluation: generation}"))
    assert gate_of(study).metrics == ("fid",)
    assert gate_of(study, metrics=("kid", *SPEEDS), margin=0.1).margin == 0.1
    with pytest.raises(StudyError, match="--metric: no number to gate is called"):
        gate_of(study, metrics=("w2",))
    trials = gated_trials(study, gate_of(study))
    assert {trial.evaluation for trial in trials} == {"generation"}
    assert len(trials) == 3 * 2 * 2  # weights, latents, seeds; no real images


def test_without_a_gate_the_evaluation_has_to_be_the_only_one(tmp_path) -> None:
    with pytest.raises(StudyError, match="there are several evaluations"):
        gate_of(load_study(written(tmp_path, "")))
