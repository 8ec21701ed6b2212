"""One page that holds all of a report: it opens anywhere, without a network."""

import json
import re
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from rgm_bench.config.study import StudySpec
from rgm_bench.report.hours import hours_of
from rgm_bench.report.naming import real_named, words
from rgm_bench.report.numbers import NOTHING, label
from rgm_bench.report.render import to_latex
from rgm_bench.report.select import Row, gaps_of, has_label
from rgm_bench.report.table import Table
from rgm_bench.results.frames import AXIS

_TEMPLATE = "report.html.j2"
_NARROW = 400  # points
_MAX_GAPS = 200
_MAX_VALUES = 4


@final
@dataclass(frozen=True)
class Picture:
    """A figure as files; `raster` for pictures, which the page embeds as PNG."""

    name: str
    caption: str
    svg: bytes
    png: bytes
    raster: bool

    @property
    def inline(self) -> Markup:
        """It as a part of a page."""
        if self.raster:
            data = b64encode(self.png).decode()
            return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(self.name, data)
        opening, _, drawn = self.svg.decode().partition("<svg")[2].partition(">")
        opening = re.sub(r' (width|height)="[^"]*"', "", opening)
        drawn = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", drawn, flags=re.DOTALL)
        name = Markup('<svg role="img" aria-label="{}"').format(self.name)
        return name + Markup(f"{opening}>{drawn}")  # the texts in it are drawn as paths

    @property
    def narrow(self) -> bool:
        """Whether it is one column of a paper wide, not two."""
        found = re.search(r'viewBox="0 0 ([0-9.]+)', self.svg.decode())
        return found is not None and float(found[1]) < _NARROW


@final
@dataclass(frozen=True)
class Gap:
    """The seeds that one arm lacks at one share of the images."""

    arm: str
    evaluation: str
    images: str
    status: str
    seeds: str
    reason: str


def page(
    study: StudySpec,
    trials: Sequence[Row],
    tables: Sequence[Table],
    pictures: Sequence[Picture],
    *,
    claims: Table | None = None,
) -> str:
    """The page as HTML, every text in it escaped: claims first, then tables and pictures."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    gaps = list(_gaps(study, trials))
    return environment.from_string(_template()).render(
        study=study,
        counts=Counter(trial["status"] for trial in trials),
        total=len(trials),
        hours=str(hours_of(trials)),
        claims=claims,
        tables=tables,
        latex=to_latex,
        pictures=pictures,
        gaps=gaps[:_MAX_GAPS],
        more_gaps=len(gaps) - _MAX_GAPS,
        provenance=_provenance(trials),
        resolved="\n".join(_yaml(study.resolved)),
    )


def _template() -> str:
    """From the installed package, else from the repository it runs in."""
    places = [folder / "dashboards" / _TEMPLATE for folder in Path(__file__).parents[1:3]]
    return next(path for path in places if path.is_file()).read_text(encoding="utf-8")


# --- what is missing --------------------------------------------------------------------------


def _gaps(study: StudySpec, trials: Sequence[Row]) -> Iterator[Gap]:
    """What lacks at several shares of the same trainings is one gap."""
    shares: defaultdict[tuple[str, str, str, int], list[Row]] = defaultdict(list)
    for trial in [*trials, *_without_a_score(trials)]:
        if trial["status"] != "ok":
            key = (_arm_name(study, trial), trial["evaluation"], trial["status"], trial["seed"])
            shares[key].append(trial)
    seeds: defaultdict[tuple[str, str, str, str, str], list[int]] = defaultdict(list)
    for (arm, evaluation, status, seed), lacking in shares.items():
        images = sorted({int(trial["images"]) for trial in lacking if trial["at"] == trial["at"]})
        reasons = sorted({t["reason"] for t in lacking if isinstance(t["reason"], str)})
        shown = " / ".join(f"{count:,}" for count in images) or NOTHING
        seeds[arm, evaluation, shown, status, "; ".join(reasons)].append(seed)
    for (arm, evaluation, images, status, reason), lacking in seeds.items():
        named = ", ".join(str(seed) for seed in sorted(set(lacking)))
        yield Gap(arm, evaluation, images, status, named, reason)


def _without_a_score(trials: Sequence[Row]) -> Iterator[Row]:
    """Trials that are ok but for a score or a cost that is no number."""
    for trial in trials:
        gaps = gaps_of(trial)
        if trial["status"] == "ok" and gaps:
            reasons = "; ".join(f"{name}: {why}" for name, why in gaps.items())
            yield {**trial, "status": "no number", "reason": reasons}


def _arm_name(study: StudySpec, trial: Row) -> str:
    if isinstance(trial["real"], str):
        return real_named(trial)
    named = [
        f"{words(axis)} {label(trial[AXIS + axis])}"
        for axis in study.axes
        if has_label(trial, axis)
    ]
    return ", ".join(named)


# --- where it was made ------------------------------------------------------------------------


def _provenance(trials: Sequence[Row]) -> list[tuple[str, str]]:
    """Each fact of where and with what the trials ran, and on how many where they differ."""
    facts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for trial in trials:
        if isinstance(trial["provenance"], str):
            for name, value in _flat(json.loads(trial["provenance"])):
                facts[name][value] += 1
        for name in ("training_digest", "evaluation_digest"):
            if isinstance(trial[name], str):
                facts[f"code of {name.removesuffix('_digest')}s"][trial[name]] += 1
    return [(words(name), _values(found)) for name, found in sorted(facts.items())]


def _values(found: Mapping[str, int]) -> str:
    if len(found) == 1:
        return next(iter(found))
    common = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{value} ({count} trials)" for value, count in common[:_MAX_VALUES]]
    more = len(common) - _MAX_VALUES
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, part in value.items():
        if isinstance(part, dict):
            inside = "" if name == "versions" else f"{path}{name}."
            yield from _flat(cast(dict[str, Any], part), inside)
        else:
            yield f"{path}{name}", part if isinstance(part, str) else json.dumps(part)


def _yaml(value: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Plain JSON values as YAML: a key a line, what holds no keys on the line of its own."""
    for name, part in value.items():
        if isinstance(part, dict) and part:
            yield f"{'  ' * depth}{name}:"
            yield from _yaml(cast(dict[str, Any], part), depth + 1)
        elif isinstance(part, list) and any(isinstance(item, dict) for item in part):
            yield f"{'  ' * depth}{name}:"
            yield from (f"{'  ' * depth}  - {json.dumps(item)}" for item in cast(list[Any], part))
        else:
            yield f"{'  ' * depth}{name}: {json.dumps(part, ensure_ascii=False)}"
