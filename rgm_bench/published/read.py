"""Reads the packaged file of a paper."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML

from rgm_bench.errors import StudyError
from rgm_bench.published.value import PublishedPaper, PublishedRow, PublishedValue

_FOLDER = Path(__file__).parent


@cache
def published_papers() -> tuple[str, ...]:
    """The keys of the papers whose numbers are known."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@cache
def published_paper(paper: str) -> PublishedPaper:
    """All that is known of a paper's numbers.

    Raises:
        StudyError: there is no such paper.
    """
    _require("paper", paper, published_papers())
    text = (_FOLDER / f"{paper}.yaml").read_text(encoding="utf-8")
    content = cast("dict[str, Any]", cast(Any, YAML(typ="safe", pure=True)).load(text))
    return PublishedPaper(
        key=content["key"],
        citation=content["citation"],
        labels=content["labels"],
        datasets=content["datasets"],
        rows=tuple(_rows(content)),
    )


def published_rows(
    paper: str,
    *,
    dataset: str | None = None,
    table: str | None = None,
    figure: int | None = None,
) -> tuple[PublishedRow, ...]:
    """The rows of a paper, in its order; each of the other arguments leaves fewer.

    Args:
        paper: its key, such as `choi2023`.
        dataset: only rows of this data set.
        table: only this table, by our name of it.
        figure: only the figure of this number.

    Raises:
        StudyError: no such paper, data set, table or figure.
    """
    rows = published_paper(paper).rows
    asked: dict[str, object] = {"dataset": dataset, "table": table, "figure": figure}
    for noun, name in asked.items():
        if name is not None:
            known = dict.fromkeys(getattr(row, noun) for row in rows)
            _require(f"{noun} of {paper}", name, [k for k in known if k is not None])
    return tuple(
        row
        for row in rows
        if all(name in (None, getattr(row, noun)) for noun, name in asked.items())
    )


def _require(noun: str, name: object, known: Iterable[object]) -> None:
    if name not in known:
        there = ", ".join(map(str, known)) or "none"
        raise StudyError(f"no published {noun} is called {name!r}; there are: {there}")


def _rows(content: Mapping[str, Any]) -> Iterator[PublishedRow]:
    sources = content["sources"]
    for table in content["tables"]:
        for row in table["rows"]:
            yield PublishedRow(
                paper=content["key"],
                table=table["name"],
                model=row["model"],
                dataset=table["dataset"],
                figure=table.get("figure"),
                extractor=_value(table.get("extractor"), sources),
                num_images=_value(table.get("num_images"), sources),
                values={name: _value(v, sources) for name, v in row["values"].items()},
            )


def _value(written: Mapping[str, Any] | None, sources: Mapping[str, str]) -> PublishedValue:
    """A value with its source in words; a source that the file does not list is a mistake in it."""
    if written is None or written["value"] is None:
        return PublishedValue(**{k: v for k, v in (written or {}).items() if k != "value"})
    return PublishedValue(
        text=str(written["value"]),
        label=written["label"],
        source=sources[written["source"]],
        note=written.get("note"),
    )
