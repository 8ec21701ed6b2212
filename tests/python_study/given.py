"""A study file, and classes of a user's own to put into it: those of the documentation."""

import re
from collections.abc import Callable
from pathlib import Path

from rgm_bench.config.spec import PythonPartSpec, TrainingSource, TrainingSpec
from rgm_bench.config.study import StudySpec

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "total_variation.py"
CLASS = EXAMPLE.read_text().split("\n# The shipped study")[0]
"""The example's own prior, without its study."""

BASE = """\
grammar: 1
name: base
title: A study
base:
  training:
    preset: rgm_digits
    method: {prior: {kind: none}}
    generator: {base_channels: 8, channel_multipliers: [1]}
    images: 4800
    batch_size: 16
    ema: {decay: 0.9}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 64
      reference: {extractor: digits_cnn_v1}
axes:
  arm: {values: {alone: {}}}
seeds: [0, 1]
report:
  - {kind: table, rows: arm, columns: [fid]}
profiles: {smoke: {seeds: [0]}, laptop: {}}
"""

STUDY = """
study = rgm_bench.extend(
    "base.yaml",
    {
        "axes": {"arm": {"values": {"tv": {"training": {"method": {
            "prior": rgm_bench.part(TotalVariation, weight=0.01)}}}}}},
        "claims": {"it": {"kind": "better", "metric": "fid",
            "this": {"arm": "tv"}, "than": {"arm": "alone"}}},
    },
)
"""

BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "own-parts.md").read_text(), re.DOTALL)
FADING, SKIPPING, TEST_FADING = BLOCKS
FORWARD = FADING.replace('"ablation"', '"base.yaml"')
SAMPLER = SKIPPING.replace('"ablation"', '"base.yaml"')

WriteStudy = Callable[..., Path]


def trainings(study: StudySpec) -> dict[str, TrainingSpec]:
    """One of each arm."""
    sources = {trial.labels["arm"]: trial.spec.source for trial in study.trials if trial.labels}
    return {str(a): s.training for a, s in sources.items() if isinstance(s, TrainingSource)}


def part_of(study: StudySpec, arm: str = "tv") -> PythonPartSpec:
    prior = trainings(study)[arm].method.prior
    assert isinstance(prior, PythonPartSpec)
    return prior
