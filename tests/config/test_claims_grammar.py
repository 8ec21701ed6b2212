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
    "{kind: interior_minimum, evaluation: generation, metric: fid, at: {latent: with}, over: weight}"
)
WITHIN = (
    "{kind: within, evaluation: generation, metric: fid, at: {latent: with}, over: weight, "
    "low: 0.01, high: 0.1}"
)

BROKEN: dict[str, tuple[str, tuple[str, str], str]] = {
    "kind": (BETTER, ("kind: better", "kind: beter"), ""),
    "no_kind": (BETTER, ("kind: better, ", ""), ""),
    "unknown_key": (BETTER, ("metric: fid", "metric: fid, margn: 0.1"), ""),
    "missing_key": (BETTER, (", than: {weight: 0}", ""), ""),
    "negative_margin": (BETTER, ("metric: fid", "metric: fid, margin: -0.1"), ""),
    "huge_margin": (BETTER, ("metric: fid", "metric: fid, margin: 11"), ""),
    "number_of_the_claim": (BETTER, ("metric: fid", "metric: fid, paper_claim: 0"), ""),
    "empty_text": (BETTER, ("metric: fid", "metric: fid, text: ''"), ""),
    "short_order": (ORDERING, ("[1, 2, 3]", "[1]"), ""),
    "direction": (ORDERING, ("over: level", "over: level, direction: up"), ""),
    "metric": (BETTER, ("metric: fid", "metric: fdi"), ""),
    "metric_of_another_kind": (BETTER, ("metric: fid", "metric: psnr"), ""),
    "evaluation": (BETTER, ("evaluation: generation", "evaluation: genration"), ""),
    "no_evaluation": (BETTER, ("evaluation: generation, ", ""), ""),
    "axis": (BETTER, ("this: {weight: 0.05}", "this: {wieght: 0.05}"), ""),
    "label": (BETTER, ("this: {weight: 0.05}", "this: {weight: 0.5}"), ""),
    "label_of_words": (BETTER, ("latent: with", "latent: wth"), ""),
    "axis_of_another_evaluation": (BETTER, ("latent: with", "latent: with, level: 1"), ""),
    "free_axis": (BETTER, ("at: {latent: with}, ", ""), ""),
    "free_axis_along_one": (INTERIOR, ("at: {latent: with}, ", ""), ""),
    "fixed_on_one_side": (
        BETTER, ("this: {weight: 0.05}", "this: {weight: 0.05, noise: 0.9}"), ""
    ),
    "compared_and_fixed": (BETTER, ("latent: with", "latent: with, weight: 5"), ""),
    "along_and_fixed": (INTERIOR, ("latent: with", "latent: with, weight: 5"), ""),
    "itself": (BETTER, ("than: {weight: 0}", "than: {weight: 0.05}"), ""),
    "over": (INTERIOR, ("over: weight", "over: wieght"), ""),
    "order_label": (ORDERING, ("[1, 2, 3]", "[1, 4]"), ""),
    "order_twice": (ORDERING, ("[1, 2, 3]", "[1, 2, 1]"), ""),
    "no_interior": (INTERIOR, ("at: {latent: with}, over: weight", "at: {weight: 5}, over: latent"), ""),
    "range_of_words": (
        WITHIN, ("at: {latent: with}, over: weight", "at: {weight: 5}, over: latent"), ""
    ),
    "empty_range": (WITHIN, ("low: 0.01", "low: 0.06"), ""),
    "whole_range": (WITHIN, ("low: 0.01, high: 0.1", "low: 0, high: 5"), ""),
    "arm_that_is_not_measured": (
        BETTER.replace("generation", "noisy"),
        ("at: {latent: with}", "at: {latent: without, noise: 1.0}"),
        "",
    ),
    "neither_good_nor_bad": (
        INTERIOR,
        (
            "generation, metric: fid, at: {latent: with}",
            "spread, metric: latent_diversity, at: {latent: with, level: 1}",
        ),
        "",
    ),
}
