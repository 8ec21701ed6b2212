"""Names in a report that stand for nothing, each said with its place before any work."""

from pathlib import Path

import pytest

from rgm_bench.config.load import load_study
from rgm_bench.config.published_items import label_on
from rgm_bench.config.study import PublishedItem
from rgm_bench.errors import StudyError

STUDY = """
grammar: 1
name: study
title: A study
base:
  training: {preset: rgm_digits}
  evaluations:
    generation:
      kind: generate
      sampler: {kind: restoration}
      num_images: 128
      reference: {extractor: digits_cnn_v1}
    restoration:
      kind: restore
      problem: {operator: {kind: block_average, factor: 2}}
      solver: {kind: bicubic}
      num_images: 16
axes:
  weight: {field: training.method.fidelity_weight, values: [0, 5.0e-2]}
  latent: {values: {with: {}, without: {training: {generator: {latent: {kind: zeros}}}}}}
seeds: [0]
report:
  - ITEM
profiles: {smoke: {}, laptop: {}}
"""

PUBLISHED = "kind: published, metrics: [fid]"


def load(path: Path, item: str):
    # the latent's other fields are those of the preset, which another kind would replace
    latent = "{kind: zeros, size: 16, embedding: 32, layers: 2}"
    text = STUDY.replace("{kind: zeros}", latent).replace("ITEM", f"{{{item}}}")
    (path / "study.yaml").write_text(text)
    return load_study(path / "study.yaml")


@pytest.mark.parametrize(
    "item",
    [
        "kind: scatter, x: nfe, y: fid, label: latent, published: cifar10",
        "kind: scatter, x: evaluation_flops, y: fid, label: weight, evaluation: generation",
        "kind: restorations, evaluation: restoration, images: 4",
        "kind: curve, x: weight, y: psnr, series: latent, evaluation: restoration",
        "kind: table, rows: weight, columns: [fid, precision], evaluation: generation",
        PUBLISHED + ', dataset: cifar10, rows: {with: RGM-KLD-D, without: "RGM-KLD-D, T=1"}',
        PUBLISHED + ", table: cifar10, over: weight, rows: {0.05: RGM-KLD-D}, alone: [DDPM]",
    ],
)
def test_items_whose_names_there_are(item: str, tmp_path: Path) -> None:
    assert len(load(tmp_path, item).report) == 1


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            "kind: scatter, x: nfe, y: fid, label: latnet",
            'report.0.label: no axis is called "latnet"; there are: weight, latent; '
            'did you mean "latent"?',
        ),
        (
            "kind: scatter, x: seconds_per_image, y: fid, label: latent, published: cifar10",
            "report.0.published: published points are over nfe only; found x: seconds_per_image",
        ),
        (
            "kind: scatter, x: nfe, y: fid, label: latent, published: cifar",
            "report.0.published: no published dataset of choi2023 is called 'cifar'",
        ),
        (
            "kind: densities, over: weight, evaluation: generation",
            "report.0.evaluation: found generation, which is of kind generate; this needs one of "
            "kind points",
        ),
        (
            "kind: restorations, evaluation: restore",
            'report.0.evaluation: no evaluation is called "restore"; there are: generation, '
            'restoration; did you mean "restoration"?',
        ),
        (
            "kind: curve, x: weight, y: fid, series: weight",
            'report.0.series: no axis is called "weight"; there are: latent',
        ),
        (
            PUBLISHED + ", rows: {with: RGM-KLD-D}",
            "report.0: expected a dataset or a table, whose published rows are shown",
        ),
        (
            PUBLISHED + ", paper: choi, dataset: cifar10, rows: {with: RGM-KLD-D}",
            "report.0: no published paper is called 'choi'; there are: choi2023",
        ),
        (
            PUBLISHED + ", dataset: cifar10, rows: {with: RGM-KLD}",
            'report.0.rows.with: no published model is called "RGM-KLD"',
        ),
        (
            PUBLISHED + ", dataset: cifar10, rows: {with: RGM-KLD-D}, alone: [DDMP]",
            'report.0.alone.0: no published model is called "DDMP"',
        ),
        (
            PUBLISHED + ", dataset: cifar10, rows: {wiht: RGM-KLD-D}",
            "report.0.rows: no axis has all of these labels: wiht",
        ),
        (
            PUBLISHED + ", dataset: cifar10, over: latent, rows: {wiht: RGM-KLD-D}",
            "report.0.rows.wiht: found wiht; allowed on latent: with, without; "
            'did you mean "with"?',
        ),
    ],
)
def test_a_name_that_stands_for_nothing(item: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        load(tmp_path, item)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("labels", "text", "found"),
    [
        ((0, 0.05), "5.0e-2", 0.05),
        ((1, 4), "4", 4),
        ((True, False), "false", False),
        ((True, False), "1", None),
        (("kld", "1"), "1", "1"),
        ((1, 4), "kld", None),
    ],
)
def test_keys_are_text_and_labels_are_not(labels, text: str, found) -> None:
    assert label_on(labels, text) is found or label_on(labels, text) == found


def test_rows_are_frozen_with_their_item() -> None:
    item = PublishedItem(kind="published", dataset="cifar10", metrics=("fid",), rows={"a": "DDPM"})
    with pytest.raises(ValueError, match="frozen"):
        item.rows = {}
