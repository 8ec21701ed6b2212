from collections.abc import Callable
from pathlib import Path

import pytest

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
      at_images: [0.5, 1.0]
      num_images: 64
      reference: {extractor: digits_cnn_v1}
axes:
  weight: {field: training.method.fidelity_weight, values: [0, 0.05]}
seeds: [0, 1]
report:
  - {kind: table, rows: weight, columns: [fid]}
profiles:
  smoke: {training: {images: 640, ema: {decay: 0.5}}}
  laptop: {}
"""

WriteStudy = Callable[..., Path]


@pytest.fixture
def write_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteStudy:
    """Writes `study.yaml` in the working folder: the study above with some of its text replaced."""
    monkeypatch.chdir(tmp_path)

    def write(*replaced: tuple[str, str], text: str = STUDY) -> Path:
        for old, new in replaced:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = Path("study.yaml")
        path.write_text(text, encoding="utf-8")
        return path

    return write
