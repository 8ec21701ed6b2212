"""Made-up studies of points, of restorations and of steps, with made-up results."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rgm_bench.config.load import load_study
from rgm_bench.config.spec import canonical_json
from rgm_bench.config.study import StudySpec, Trial
from rgm_bench.results.schema import Outcome

POINTS = """
grammar: 1
name: toy
title: Points at few steps
base:
  training: {preset: rgm_points}
  evaluations:
    generation:
      kind: points
      sampler: {kind: restoration}
      num_points: 500
axes:
  arm:
    values:
      kld: {}
      mmd: {training: {method: {prior: {kind: mmd, bandwidths: [0.1, 0.5, 2.0]}}}}
  num_levels: {field: training.method.forward.num_levels, values: [1, 4, 8]}
seeds: [0, 1]
report:
  - {kind: table, rows: arm, columns: [w2, sliced_w2, mmd, modes_covered, good_share, nfe]}
  - {kind: curve, x: num_levels, y: w2, scale: log, series: arm}
  - {kind: scatter, x: nfe, y: w2, label: arm}
  - {kind: densities, over: num_levels, evaluation: generation}
profiles: {smoke: {}, laptop: {}}
"""

STEPS = """
grammar: 1
name: steps
title: Quality over steps
base:
  training: {preset: rgm_digits}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 1437
      reference: {split: train, extractor: digits_cnn_v1}
axes:
  num_levels: {field: training.method.forward.num_levels, values: [1, 2, 4, 8]}
seeds: [0, 1, 2]
report:
  - {kind: scatter, x: nfe, y: fid, label: num_levels, published: cifar10}
  - {kind: scatter, x: seconds_per_image, y: fid, label: num_levels}
  - kind: published
    dataset: cifar10
    metrics: [fid, inception_score, nfe]
    rows: {1: "RGM-KLD-D, T=1", 4: RGM-KLD-D, 8: "RGM-KLD-D, T=8"}
profiles: {smoke: {}, laptop: {}}
"""

RESTORATIONS = """
grammar: 1
name: restore
title: Inverse problems
base:
  training: {preset: rgm_digits}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 360
      reference: {split: train, extractor: digits_cnn_v1}
    restoration:
      kind: restore
      problem: {operator: {kind: block_average, factor: 2}}
      solver: {kind: plug_and_play, relaxation: 0.05, data_weight: 10, iterations: 4, num_levels: 1}
      num_images: 16
axes:
  solver:
    values:
      ours: {}
      bicubic: {evaluations: {restoration: {solver: {kind: bicubic}}}}
  problem:
    values:
      halves: {}
      quarters:
        evaluations:
          restoration: {problem: {operator: {kind: block_average, factor: 4}}}
seeds: [0, 1]
report:
  - {kind: table, rows: solver, columns: [psnr, ssim, seconds], evaluation: restoration}
  - {kind: table, rows: solver, columns: [fid, psnr]}
  - {kind: restorations, evaluation: restoration, images: 3}
profiles: {smoke: {}, laptop: {}}
"""


def finish(results, trial: Trial, metrics: Mapping[str, float], **cost: float) -> Path:
    """Give a trial a result; metrics by their short names. Its folder."""
    measure = trial.spec.measure
    suffix = f"{measure.space}.n{measure.count}"
    return results.write(
        Outcome(
            kind="evaluation",
            id=trial.id,
            digest="0123456789abcdef",
            status="ok",
            reason=None,
            images=0,
            spec=json.loads(canonical_json(trial.spec)),
            metrics={f"{name}.{suffix}": value for name, value in metrics.items()},
            cost={"seconds": 2.0, "images_per_second": 250.0, "flops": 1e9} | cost,
            provenance={"torch": "2.15.0"},
        )
    )


@pytest.fixture
def study_of(tmp_path: Path) -> Callable[[str], StudySpec]:
    """Loads the text of a study."""

    def load(text: str) -> StudySpec:
        name = text.split("name: ")[1].split("\n")[0]
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return load_study(path)

    return load


def modes(num: int, spread: float, seed: int) -> np.ndarray:
    """Points around the corners of a square."""
    rng = np.random.default_rng(seed)
    corners = np.array([[-2, -2], [-2, 2], [2, -2], [2, 2]])
    return (corners[rng.integers(4, size=num)] + spread * rng.normal(size=(num, 2))).astype("f4")


@pytest.fixture
def toy(study_of, results) -> StudySpec:
    """Points: wider around their modes with fewer levels; one arm of one seed still missing."""
    study = study_of(POINTS)
    for trial in study.trials:
        levels = trial.labels.get("num_levels", 100)
        if (trial.labels.get("arm"), levels) == ("mmd", 8):
            continue
        spread = 0.8 / float(levels) + 0.1 * (trial.labels.get("arm") == "mmd") + 0.05
        jitter = 1 + 0.1 * trial.seed
        scores = {"w2": spread * jitter, "sliced_w2": spread / 2, "mmd": spread / 9}
        folder = finish(
            results, trial, scores | {"modes_covered": 8, "good_share": 0.9}, nfe=float(levels)
        )
        np.save(folder / "points.npy", modes(500, spread, trial.seed))
    return study


@pytest.fixture
def steps(study_of, results) -> StudySpec:
    """Digits at 1 to 8 levels: 4 is the best, and 8 no better than 2."""
    study = study_of(STEPS)
    best = {1: 325.0, 2: 10.5, 4: 9.6, 8: 19.8}
    for trial in study.trials:
        levels = trial.labels.get("num_levels")
        fid = best.get(levels, 0.3) * (1 + 0.08 * (trial.seed - 1))
        scores = {"fid": fid, "inception_score": 9.0, "kid": 0.001, "precision": 0.8, "recall": 0.7}
        cost = {} if levels is None else {"nfe": float(levels), "images_per_second": 800.0 / levels}
        finish(results, trial, scores, **cost)
    return study


def tiles(offset: int) -> Image.Image:
    """8 x 2 pictures of 32 x 32 pixels, each of one grey that counts up from `offset`."""
    greys = offset + np.arange(16, dtype=np.uint8).reshape(2, 8)
    return Image.fromarray(greys.repeat(32, 0).repeat(32, 1))


@pytest.fixture
def restorations(study_of, results) -> StudySpec:
    """Two solvers on two problems; originals count up from 0, degraded ones from 50."""
    study = study_of(RESTORATIONS)
    for trial in study.trials:
        if trial.evaluation == "generation":
            finish(results, trial, {"fid": 3.0, "inception_score": 9.0, "kid": 0.001})
            continue
        folder = finish(results, trial, {"psnr": 20.0 + trial.seed, "ssim": 0.6})
        first = 100 if trial.labels["solver"] == "ours" else 150
        for name, offset in (("original", 0), ("degraded", 50), ("grid", first + trial.seed)):
            tiles(offset).save(folder / f"{name}.png")
    return study


@pytest.fixture
def rows() -> Callable[..., Iterator]:
    """Reads the rows that a report sees."""
    from rgm_bench.report.select import rows_of
    from rgm_bench.results.frames import evaluations_frame

    return lambda study, view: rows_of(evaluations_frame(study, view))
