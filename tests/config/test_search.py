"""What a file may not say of a search, each with its place and what is allowed."""

from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.config.search import Range
from rgm_bench.errors import StudyError

STUDY = """\
grammar: 1
name: found
title: A search
base:
  training: {preset: rgm_digits}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 64
      reference: {split: train, extractor: digits_cnn_v1}
search:
  trials: 8
  sampler: {kind: tpe}
  objectives: [{metric: fid}]
  space:
    levels: {field: training.method.forward.num_levels, values: [1, 2, 4]}
    schedule:
      field: training.method.forward.schedule
      values: [original, square]
      when: {levels: [2, 4]}
    weight: {field: training.method.fidelity_weight, low: 0.001, high: 1, log: true}
seeds: [0]
profiles: {smoke: {}, laptop: {}}
"""

MISTAKES = {
    "axes_too": (
        ("search:", "axes: {t: {field: training.images, values: [6400]}}\nsearch:"),
        "found.yaml:13:1: search: a study has axes or a search",
    ),
    "no_such_field": (
        ("training.method.fidelity_weight", "training.method.fidelity_wait"),
        "training.method.fidelity_wait: unknown key; allowed here: kind, forward, fake, "
        'fidelity_weight, prior; did you mean "fidelity_weight"?',
    ),
    "value_out_of_range": (
        ("values: [1, 2, 4]", "values: [0, 2, 4]"),
        "found.yaml:17:66: training.method.forward.num_levels: found 0; expected 1 or more",
    ),
    "end_out_of_range": (
        ("low: 0.001", "low: -1"),
        "search.space.weight.low: found -1; a logarithm needs more than 0",
    ),
    "ends_the_wrong_way": (
        ("high: 1,", "high: 0.0001,"),
        "search.space.weight.high: found 0.0001; expected more than low, which is 0.001",
    ),
    "half_a_range": (
        ("low: 0.001, high: 1, log: true", "low: 0.001"),
        "found.yaml:22:5: search.space.weight: expected `field` with `low` and `high`, or `values`",
    ),
    "range_and_values": (
        ("low: 0.001, high: 1, log: true", "low: 0.001, values: [1]"),
        "search.space.weight.low: a parameter has either values or a range; found both",
    ),
    "a_fraction_for_whole_numbers": (
        ("method.fidelity_weight, low: 0.001, high: 1, log: true", "batch_size, low: 1.5, high: 4"),
        "training.batch_size: found 1.5; expected a whole number",
    ),
    "condition_on_nothing": (
        ("when: {levels: [2, 4]}", "when: {level: [2, 4]}"),
        "search.space.schedule.when.level: no parameter before this one is called that and has "
        'values; there are: levels; did you mean "levels"?',
    ),
    "condition_with_another_value": (
        ("when: {levels: [2, 4]}", "when: {levels: [2, 3]}"),
        "search.space.schedule.when.levels: found 3; allowed: 1, 2, 4",
    ),
    "values_that_never_go_together": (
        ("values: [original, square]", "values: [original, linear]"),
        "is too few for the schedule linear",
    ),
    "unknown_sampler": (
        ("{kind: tpe}", "{kind: tpa}"),
        'found the text "tpa"; allowed: tpe, nsga2, random, grid; did you mean "tpe"?',
    ),
    "unknown_metric": (
        ("{metric: fid}", "{metric: fdi}"),
        'no objective of generation is called "fdi"; there are: fid,',
    ),
    "unknown_evaluation": (
        ("{metric: fid}", "{metric: fid, evaluation: generations}"),
        'no evaluation is called "generations"; there are: generation; did you mean',
    ),
    "half_a_training": (
        ("num_images: 64", "num_images: 64\n      at_images: [0.5]"),
        "a search judges whole trainings: expected 1.0 among the shares",
    ),
    "rung_without_a_snapshot": (
        ("seeds:", "  pruner: {kind: asha, rungs: [0.3]}\nseeds:"),
        "search.pruner.rungs.0: found 0.3; a training keeps snapshots at: 0.125, 0.25, 0.5",
    ),
    "rungs_for_two_objectives": (
        (
            "[{metric: fid}]",
            "[{metric: fid}, {metric: nfe}]\n  pruner: {kind: asha, rungs: [0.25]}",
        ),
        "search.pruner: rungs rank trials by one objective; found several",
    ),
    "grid_over_a_range": (
        ("{kind: tpe}", "{kind: grid}"),
        "search.sampler: a grid needs values for each parameter; ranges have: weight",
    ),
    "the_same_seed_confirms": (
        ("seeds:", "  confirm: {top: 2, seeds: [0, 1]}\nseeds:"),
        "search.confirm.seeds.0: found 0 twice; other seeds confirm than those that chose",
    ),
    "report_without_a_search": (
        None,
        "report.0.kind: found no search in this study",
    ),
}


def load(folder: Path, text: str):
    path = folder / "found.yaml"
    path.write_text(text)
    return load_study(path)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, name: str):
    change, said = MISTAKES[name]
    if change is None:
        search = STUDY[STUDY.index("search:") : STUDY.index("seeds:")]
        text = STUDY.replace(search, "").replace("seeds:", "report: [{kind: search}]\nseeds:")
    else:
        assert change[0] in STUDY
        text = STUDY.replace(*change, 1)
    with pytest.raises(StudyError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)


def test_a_search_without_mistakes_is_read(tmp_path: Path):
    study = load(tmp_path, STUDY)
    assert study.search is not None
    assert [d.name for d in study.search.dimensions] == ["levels", "schedule", "weight"]
    assert study.search.dimensions[2].domain == Range(0.001, 1.0, log=True)
    assert study.trials == ()


def test_whole_numbers_are_drawn_for_fields_that_take_them(tmp_path: Path):
    text = STUDY.replace("values: [1, 2, 4]", "low: 1, high: 8").replace(
        "      when: {levels: [2, 4]}\n", ""
    )
    study = load(tmp_path, text)
    assert study.search is not None
    domain = study.search.dimensions[0].domain
    assert isinstance(domain, Range)
    assert (type(domain.low), type(domain.high)) == (int, int)


def test_a_grid_of_fewer_combinations_than_trials_is_refused(tmp_path: Path):
    weight = STUDY[STUDY.index("    weight:") : STUDY.index("seeds:")]
    with pytest.raises(StudyError, match=r"search\.trials: found 8; the grid has 5 combinations"):
        load(tmp_path, STUDY.replace(weight, "").replace("{kind: tpe}", "{kind: grid}"))


def test_a_trial_that_fits_nowhere_names_its_values(tmp_path: Path):
    """Between the ends of a range lies what was not tried on when the file was read."""
    study = load(tmp_path, STUDY)
    assert study.search is not None
    with pytest.raises(
        StudyError, match=r"trial 3 of the search \(weight -1.0\) cannot be trained"
    ):
        study.search.trials(3, {"weight": -1.0}, 1.0, False)
