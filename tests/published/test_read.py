import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import rgm_bench.published
from rgm_bench.errors import StudyError
from rgm_bench.published import (
    PublishedRow,
    PublishedValue,
    published_paper,
    published_papers,
    published_rows,
)

FOLDER = Path(rgm_bench.published.__file__).parent

# FID, inception score, NFE: what is known of CIFAR-10, and nothing else
CIFAR10 = {
    "RGM-KLD-SR": (2.47, 9.68, 7),
    "RGM-KLD-D": (3.04, None, 4),
    "RGM-DSWD-D": (None, None, 4),
    "RGM-KLD-D, T=1": (21.2, None, 1),
    "RGM-KLD-D, T=8": (6.5, None, 8),
    "Score SDE (VE)": (2.2, 9.89, 2000),
    "Score SDE (VP)": (2.41, 9.68, 2000),
    "DDPM": (3.21, 9.46, 1000),
    "LSGM": (2.1, 9.87, 147),
    "DDGAN": (3.75, None, 4),
}


def every_value() -> Iterator[PublishedValue]:
    for paper in published_papers():
        for row in published_paper(paper).rows:
            yield from (row.extractor, row.num_images, *row.values.values())


def by_model(dataset: str) -> dict[str, PublishedRow]:
    return {row.model: row for row in published_rows("choi2023", dataset=dataset)}


def test_no_value_lacks_its_label_or_its_source() -> None:
    for value in every_value():
        assert (value.text is None) == (value.label is None) == (value.source is None)
        assert value.source != ""
    labels = published_paper("choi2023").labels
    assert {value.label for value in every_value() if value.label} <= set(labels)


@pytest.mark.parametrize(
    "parts",
    [
        {"text": "2.47", "label": "S"},
        {"text": "2.47", "source": "a summary"},
        {"label": "S", "source": "a summary"},
    ],
)
def test_a_value_without_label_or_source_cannot_be_made(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="has a label and a source"):
        PublishedValue(**parts)


def test_null_stays_null() -> None:
    def nulls(node: object) -> int:
        if isinstance(node, dict):
            return ("value" in node and node["value"] is None) + sum(map(nulls, node.values()))
        return sum(map(nulls, node)) if isinstance(node, list) else 0

    written = sum(nulls(YAML(typ="safe").load(path)["tables"]) for path in FOLDER.glob("*.yaml"))
    rows = [row for paper in published_papers() for row in published_paper(paper).rows]
    inside = [value for row in rows for value in row.values.values()]
    inside += {row.table: row.num_images for row in rows if row.table == "celeba_hq_256"}.values()
    assert sum(value.number is None for value in inside) == written > 5
    assert by_model("cifar10")["RGM-DSWD-D"].value("fid").number is None
    assert all(row.value("fid").number is None for row in published_rows("choi2023", figure=6))


def test_a_metric_that_a_table_lacks_is_not_known() -> None:
    assert by_model("celeba_hq_256")["UDM"].value("inception_score") == PublishedValue()


def test_the_numbers_of_cifar10() -> None:
    metrics = ("fid", "inception_score", "nfe")
    found = {
        model: tuple(row.value(metric).number for metric in metrics)
        for model, row in by_model("cifar10").items()
    }
    assert found == CIFAR10


def test_the_evaluations_of_a_few_step_model_are_read_in_its_code() -> None:
    rows = by_model("cifar10")
    assert {rows[m].value("nfe").label for m in ("RGM-KLD-SR", "RGM-KLD-D", "RGM-DSWD-D")} == {"P"}
    assert rows["DDGAN"].value("fid").source != rows["DDPM"].value("fid").source
    assert "3.17" in (rows["DDPM"].value("fid").note or "")


def test_the_value_that_nobody_can_place_is_bound_to_nothing() -> None:
    assert 3.87 not in {
        row.value(metric).number
        for row in published_rows("choi2023")
        for metric in row.values
        if metric == "fid"
    }


def test_digits_are_those_that_were_published() -> None:
    texts = {row.value("fid").text for row in by_model("cifar10").values()}
    assert {"6.50", "2.20", "2.10", "21.2"} <= texts


def test_each_argument_leaves_fewer_rows() -> None:
    rows = published_rows("choi2023")
    for table in published_paper("choi2023").tables:
        part = published_rows("choi2023", table=table)
        assert part == tuple(row for row in rows if row.table == table) != ()
    both = published_rows("choi2023", dataset="celeba_hq_256", table="plug_and_play")
    assert {row.dataset for row in both} == {"celeba_hq_256"}
    assert {row.table for row in both} == {"plug_and_play"}


def test_models_of_a_table_have_different_names() -> None:
    for paper in published_papers():
        rows = [(row.table, row.model) for row in published_paper(paper).rows]
        assert len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"paper": "choi2032"}, "no published paper is called 'choi2032'; there are: choi2023"),
        ({"paper": "choi2023", "dataset": "digits"}, "dataset of choi2023 is called 'digits'"),
        ({"paper": "choi2023", "table": "t"}, "there are: cifar10, celeba_hq_256, lambda"),
        ({"paper": "choi2023", "figure": 7}, "there are: 6, 3"),
    ],
)
def test_an_unknown_name_is_said_with_those_there_are(arguments: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        published_rows(**arguments)


def test_reading_needs_neither_torch_nor_pandas() -> None:
    code = (
        "import sys; from rgm_bench.published import published_rows; published_rows('choi2023'); "
        "sys.exit(bool({'torch', 'pandas', 'pydantic', 'numpy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
