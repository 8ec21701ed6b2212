"""Every mistake in a claim has one line; and what a right claim says arrives unchanged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rgm_bench.config.claim import ComparisonClaimSpec, OrderingClaimSpec
from rgm_bench.config.claim_names import CLAIM_METRICS
from rgm_bench.config.evaluations import EVALUATIONS
from rgm_bench.config.load import load_study
from rgm_bench.errors import StudyError
from rgm_bench.report.columns import COLUMNS

WriteStudy = Callable[..., Path]

STUDY = """\
grammar: 1
name: study
title: A study
base:
  training: {preset: rgm_digits}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 64
      reference: {extractor: digits_cnn_v1}
    spread: {kind: latent_diversity, level: 2, num_images: 16, num_latents: 2}
    noisy:
      kind: generate
      where: {latent: [with]}
      sampler: {kind: restoration}
      num_images: 64
      reference: {extractor: digits_cnn_v1}
axes:
  weight: {field: training.method.fidelity_weight, values: [0, 0.05, 5]}
  latent: {values: {with: {}, without: {training: {generator: {latent: \
{kind: zeros, size: 16, embedding: 32, layers: 2}}}}}}
  noise: {field: evaluations.noisy.sampler.noise_factor, values: [0.9, 1.0]}
  level: {field: evaluations.spread.level, values: [1, 2, 3]}
seeds: [0, 1]
claims:
  it: CLAIM
profiles: {smoke: {}, laptop: {}}
"""

BETTER = (
    "{kind: better, evaluation: generation, metric: fid, at: {latent: with}, "
    "this: {weight: 0.05}, than: {weight: 0}}"
)
ORDERING = (
    "{kind: ordering, evaluation: spread, metric: latent_diversity, "
    "at: {weight: 0.05, latent: with}, over: level, order: [1, 2, 3]}"
)
INTERIOR = (
    "{kind: interior_minimum, evaluation: generation, metric: fid, at: {latent: with}, "
    "over: weight}"
)
WITHIN = (
    "{kind: within, evaluation: generation, metric: fid, at: {latent: with}, over: weight, "
    "low: 0.01, high: 0.1}"
)

BROKEN: dict[str, tuple[str, tuple[str, str], str]] = {
    "kind": (
        BETTER,
        ("kind: better", "kind: beter"),
        (
            '26:14: claims.it.kind: found the text "beter"; allowed: better, not_worse, ordering,'
            ' interior_minimum, within; did you mean "better"?'
        ),
    ),
    "no_kind": (
        BETTER,
        ("kind: better, ", ""),
        (
            "26:3: claims.it.kind: missing; allowed: better, not_worse, ordering, "
            "interior_minimum, within"
        ),
    ),
    "unknown_key": (
        BETTER,
        ("metric: fid", "metric: fid, margn: 0.1"),
        (
            "26:59: claims.it.margn: unknown key; allowed here: metric, evaluation, at, margin, "
            'paper_claim, text, kind, this, than; did you mean "margin"?'
        ),
    ),
    "missing_key": (
        BETTER,
        (", than: {weight: 0}", ""),
        "26:3: claims.it.than: missing, and required here",
    ),
    "negative_margin": (
        BETTER,
        ("metric: fid", "metric: fid, margin: -0.1"),
        "26:67: claims.it.margin: found -0.1; expected 0 or more",
    ),
    "huge_margin": (
        BETTER,
        ("metric: fid", "metric: fid, margin: 11"),
        "26:67: claims.it.margin: found 11; expected 10 or less",
    ),
    "number_of_the_claim": (
        BETTER,
        ("metric: fid", "metric: fid, paper_claim: 0"),
        "26:72: claims.it.paper_claim: found 0; expected 1 or more",
    ),
    "empty_text": (
        BETTER,
        ("metric: fid", "metric: fid, text: ''"),
        '26:65: claims.it.text: found the text ""; expected at least 1 letter',
    ),
    "short_order": (
        ORDERING,
        ("[1, 2, 3]", "[1]"),
        "26:124: claims.it.order: found 1 values; expected at least 2",
    ),
    "direction": (
        ORDERING,
        ("over: level", "over: level, direction: up"),
        '26:128: claims.it.direction: found the text "up"; allowed: increasing, decreasing',
    ),
    "metric": (
        BETTER,
        ("metric: fid", "metric: fdi"),
        (
            '26:54: claims.it.metric: no metric of generation is called "fdi"; there are: fid, '
            'inception_score, kid, precision, recall; did you mean "fid"?'
        ),
    ),
    "metric_of_another_kind": (
        BETTER,
        ("metric: fid", "metric: psnr"),
        (
            '26:54: claims.it.metric: no metric of generation is called "psnr"; there are: fid, '
            "inception_score, kid, precision, recall"
        ),
    ),
    "evaluation": (
        BETTER,
        ("evaluation: generation", "evaluation: genration"),
        (
            '26:34: claims.it.evaluation: no evaluation is called "genration"; there are: '
            'generation, spread, noisy; did you mean "generation"?'
        ),
    ),
    "no_evaluation": (
        BETTER,
        ("evaluation: generation, ", ""),
        (
            "26:7: claims.it.evaluation: missing; the study has several evaluations: generation, "
            "spread, noisy"
        ),
    ),
    "axis": (
        BETTER,
        ("this: {weight: 0.05}", "this: {wieght: 0.05}"),
        (
            '26:85: claims.it.this: no axis of generation is called "wieght"; there are: weight, '
            'latent; did you mean "weight"?'
        ),
    ),
    "label": (
        BETTER,
        ("this: {weight: 0.05}", "this: {weight: 0.5}"),
        (
            "26:94: claims.it.this.weight: found 0.5; allowed on weight: 0, 0.05, 5; did you mean"
            ' "0.05"?'
        ),
    ),
    "label_of_words": (
        BETTER,
        ("latent: with", "latent: wth"),
        (
            '26:72: claims.it.at.latent: found the text "wth"; allowed on latent: with, without; '
            'did you mean "with"?'
        ),
    ),
    "axis_of_another_evaluation": (
        BETTER,
        ("latent: with", "latent: with, level: 1"),
        ('26:63: claims.it.at: no axis of generation is called "level"; there are: weight, latent'),
    ),
    "free_axis": (
        BETTER,
        ("at: {latent: with}, ", ""),
        "26:7: claims.it.at: the claim says nothing of the axis latent; fix it under at",
    ),
    "free_axis_along_one": (
        INTERIOR,
        ("at: {latent: with}, ", ""),
        "26:7: claims.it.at: the claim says nothing of the axis latent; fix it under at",
    ),
    "fixed_on_one_side": (
        BETTER.replace("generation", "noisy"),
        ("this: {weight: 0.05}", "this: {weight: 0.05, noise: 0.9}"),
        "26:58: claims.it.at: the claim says nothing of the axis noise; fix it under at",
    ),
    "compared_and_fixed": (
        BETTER,
        ("latent: with", "latent: with, weight: 5"),
        "26:86: claims.it.at.weight: this axis is what the claim compares; leave it out here",
    ),
    "along_and_fixed": (
        INTERIOR,
        ("latent: with", "latent: with, weight: 5"),
        "26:96: claims.it.at.weight: this axis is what the claim compares; leave it out here",
    ),
    "itself": (
        BETTER,
        ("than: {weight: 0}", "than: {weight: 0.05}"),
        "26:85: claims.it.this: found the arm that it is compared with; name another",
    ),
    "over": (
        INTERIOR,
        ("over: weight", "over: wieght"),
        (
            '26:95: claims.it.over: no axis of generation is called "wieght"; there are: weight, '
            'latent; did you mean "weight"?'
        ),
    ),
    "order_label": (
        ORDERING,
        ("[1, 2, 3]", "[1, 4]"),
        "26:128: claims.it.order.1: found 4; allowed on level: 1, 2, 3",
    ),
    "order_twice": (
        ORDERING,
        ("[1, 2, 3]", "[1, 2, 1]"),
        "26:131: claims.it.order.2: found 1 twice; each label stands once",
    ),
    "no_interior": (
        INTERIOR,
        ("at: {latent: with}, over: weight", "at: {weight: 5}, over: latent"),
        "26:92: claims.it.over: latent has no label between its ends; 3 are needed",
    ),
    "range_of_words": (
        WITHIN,
        ("at: {latent: with}, over: weight", "at: {weight: 5}, over: latent"),
        "26:82: claims.it.over: a range needs an axis of numbers; latent has words",
    ),
    "empty_range": (
        WITHIN,
        ("low: 0.01", "low: 0.06"),
        (
            "26:98: claims.it.low: none of 0, 0.05, 5 lie between 0.06 and 0.1: some must, and "
            "some not"
        ),
    ),
    "whole_range": (
        WITHIN,
        ("low: 0.01, high: 0.1", "low: 0, high: 5"),
        "26:98: claims.it.low: all of 0, 0.05, 5 lie between 0 and 5: some must, and some not",
    ),
    "arm_that_is_not_measured": (
        BETTER.replace("generation", "noisy"),
        ("at: {latent: with}", "at: {latent: without, noise: 1.0}"),
        (
            '26:67: claims.it.at.latent: found the text "without"; allowed on latent: with; did '
            'you mean "with"?'
        ),
    ),
    "neither_good_nor_bad": (
        INTERIOR,
        (
            "generation, metric: fid, at: {latent: with}",
            "spread, metric: latent_diversity, at: {latent: with, level: 1}",
        ),
        "26:14: claims.it.kind: latent_diversity is neither good nor bad: state an ordering",
    ),
}


def message(path: Path) -> str:
    with pytest.raises(StudyError) as raised:
        load_study(path)
    return str(raised.value)


@pytest.mark.parametrize("case", BROKEN)
def test_mistakes_in_a_claim(write_study: WriteStudy, case: str):
    claim, (old, new), expected = BROKEN[case]
    assert claim.count(old) == 1
    path = write_study(("CLAIM", claim.replace(old, new)), text=STUDY)
    assert message(path) == "\n".join(f"study.yaml:{line}" for line in expected.splitlines())


@pytest.mark.parametrize("claim", [BETTER, ORDERING, INTERIOR, WITHIN])
def test_the_claims_above_are_right_before_they_are_broken(write_study: WriteStudy, claim: str):
    assert list(load_study(write_study(("CLAIM", claim), text=STUDY)).claims) == ["it"]


def test_the_only_evaluation_needs_no_name(write_study: WriteStudy):
    claim = "claims: {it: {kind: better, metric: fid, this: {weight: 0}, than: {weight: 0.05}}}\n"
    study = load_study(write_study(("seeds:", claim + "seeds:")))
    assert study.claims["it"].evaluation is None


def test_a_claim_arrives_as_it_was_written(write_study: WriteStudy):
    written = BETTER.replace("metric: fid", "metric: fid, margin: 0.05, paper_claim: 2, text: So.")
    claim = load_study(write_study(("CLAIM", written), text=STUDY)).claims["it"]
    assert claim == ComparisonClaimSpec(
        kind="better",
        evaluation="generation",
        metric="fid",
        at={"latent": "with"},
        this={"weight": 0.05},
        than={"weight": 0},
        margin=0.05,
        paper_claim=2,
        text="So.",
    )


def test_a_profile_changes_a_claim_and_adds_one(write_study: WriteStudy):
    over = "{claims: {it: {than: {weight: 5}, margin: 0.1}, more: ORDERING}}"
    path = write_study(
        ("CLAIM", BETTER),
        ("laptop: {}", f"laptop: {over.replace('ORDERING', ORDERING)}"),
        text=STUDY,
    )
    claims = load_study(path).claims
    assert isinstance(claims["it"], ComparisonClaimSpec)
    assert (claims["it"].this, claims["it"].than) == ({"weight": 0.05}, {"weight": 5})
    assert claims["it"].margin == 0.1
    assert isinstance(claims["more"], OrderingClaimSpec)
    assert list(load_study(path, profile="smoke").claims) == ["it"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            "{claims: {itt: {margin: 0.1}}}",
            "study.yaml:27:41: profiles.laptop.claims.itt: no claim is called that; there are: it; "
            'did you mean "it"?',
        ),
        (
            "{axes: {weight: {values: [0, 5]}}}",
            "study.yaml:26:94: claims.it.this.weight: found 0.05; allowed on weight: 0, 5",
        ),
    ],
)
def test_claims_are_checked_in_every_profile(write_study: WriteStudy, changes: str, expected: str):
    path = write_study(("CLAIM", BETTER), ("laptop: {}", f"laptop: {changes}"), text=STUDY)
    assert message(path) == expected


def test_a_claim_is_no_part_of_an_id(write_study: WriteStudy):
    first = load_study(write_study(("CLAIM", BETTER), text=STUDY))
    second = load_study(write_study(("CLAIM", INTERIOR), text=STUDY))
    assert [trial.id for trial in first.trials] == [trial.id for trial in second.trials]
    assert first.digest != second.digest


def test_claims_may_name_exactly_what_each_kind_of_evaluation_measures():
    measured = {kind: set[str]() for kind in EVALUATIONS}
    for name, column in COLUMNS.items():
        if column.role == "score":
            measured[column.measured_by].add(name)
    assert {kind: set(metrics) for kind, metrics in CLAIM_METRICS.items()} == measured
