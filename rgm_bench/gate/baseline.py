"""What a gate has measured, and the committed file of it that later measurements must match.

A measurement and a baseline are one form: `--update` writes a measurement down, and a check
compares a new one with it.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from math import nan
from pathlib import Path
from typing import Any, Literal, cast

from rgm_bench.claims.kinds import Direction
from rgm_bench.claims.samples import Scale
from rgm_bench.config.messages import validated
from rgm_bench.config.placed import Placed, Position
from rgm_bench.config.problems import Problems
from rgm_bench.config.reading import described, file_text, read_text
from rgm_bench.config.spec import Spec, Weight
from rgm_bench.errors import StudyError
from rgm_bench.gate.device import DeviceKind
from rgm_bench.results.files import to_json, write_whole

FOLDER = Path("results/baselines")
"""Where baselines lie unless `--baseline` says otherwise."""

BY_SEED = "by seed"

Json = dict[str, Any]


class Number(Spec):
    """One gated number over its seeds.

    Args:
        arm: what is measured, in words.
        evaluation: the name of its evaluation in the study.
        metric: its full name, with extractor and number of images where it has them.
        scale: where versions are compared.
        better: which values are better.
        margin: what the mean may worsen without mattering.
        margin_in_pairs: the same where seeds are compared in pairs, since both versions measured
            the same trained weights.
        spec: all that decides the number but the seed: only numbers of one spec are compared.
        ids: of the specs with their seeds, by seed; none where no unit of a store gave it.
        weights: digests of the trained weights that were measured, by seed; none where a model is
            not of a store.
        images: digests of what was measured, by seed: of all images of a model, and of what an
            evaluation of a study leaves to be looked at; none in files of earlier versions.
        values: by seed; null where the training diverged.
    """

    arm: str
    evaluation: str
    metric: str
    scale: Scale
    better: Direction
    margin: Weight
    margin_in_pairs: Weight
    spec: Json
    ids: dict[str, str]
    weights: dict[str, str]
    values: dict[str, float | None]
    images: dict[str, str] = {}  # noqa: RUF012  # pydantic copies it

    @property
    def key(self) -> tuple[str, str, str]:
        """What stands for the same number in another measurement."""
        return self.arm, self.evaluation, self.metric.split(".")[0]

    @property
    def label(self) -> str:
        """What the number is called in tables."""
        # without extractor and number of images it is a speed
        metric = self.metric if "." in self.metric else f"{self.metric} / calibration"
        return ": ".join(part for part in (self.arm, self.evaluation, metric) if part)

    @property
    def finite_or_nan(self) -> dict[str, float]:
        """The values, NaN where a seed diverged."""
        return {seed: nan if v is None else v for seed, v in self.values.items()}


class Fingerprint(Spec):
    """The losses of the first steps of a training.

    Args:
        arm: what is trained, in words.
        training: the id of its spec.
        losses: by the name of each, `step:value` for every step that has it, as hexadecimal floats.
    """

    arm: str
    training: str
    losses: dict[str, str]


class Measurement(Spec):
    """All numbers of a gate, measured by one version of the code on one kind of device.

    Args:
        format: of the file.
        gate: its name, `<study>-<profile>`.
        commit: of the repository that it was measured in, with `-dirty` behind it where files were
            changed; null outside of a repository.
        time: of the measurement, in UTC.
        device: the kind of device.
        versions: of the libraries.
        code: digests of the code that trained and that measured.
        numbers: what is gated.
        fingerprints: of each training, for its first seed.
    """

    format: Literal[2] = 2
    gate: str
    commit: str | None
    time: str
    device: DeviceKind
    versions: dict[str, str]
    code: dict[str, str]
    numbers: tuple[Number, ...]
    fingerprints: tuple[Fingerprint, ...] = ()


def read_baseline(path: Path) -> Measurement:
    """The baseline in a file.

    Raises:
        StudyError: there is none, or it is not what `--update` writes.
    """
    if not path.exists():
        raise StudyError(
            f"{path}: there is no baseline here; the same command with --update writes one, "
            "and --baseline names another file"
        )
    return parse_baseline(file_text(path), str(path))


def parse_baseline(text: str, source: str) -> Measurement:
    """The baseline that a text holds.

    Args:
        text: JSON.
        source: where it is from, for messages.

    Raises:
        StudyError: it is not what `--update` writes.
    """
    start = Position(source, 1, 1)
    problems = Problems()
    root = read_text(text, start, problems)
    problems.raise_any()
    if root is None or not root.is_map:
        found = described(root) if root else "nothing"
        raise StudyError(
            f"{start}: found {found}; expected a baseline, which `rgm-bench check --update` writes"
        )
    read = validated(Measurement, _without_unknown_format(root), problems)
    problems.raise_any()
    assert read is not None
    return read


def _without_unknown_format(root: Placed) -> Placed:
    written = root.get("format")
    if written is not None and written.value != 2:
        raise StudyError(
            f"{written.at}: format: found {described(written)}; this version of rgm-bench reads "
            "format 2: write the baseline anew with --update"
        )
    return root


def write_baseline(measurement: Measurement, path: Path) -> None:
    """Keep a measurement as the baseline.

    Raises:
        StoreError: the file cannot be written.
    """
    write_whole(path, to_json(measurement.model_dump(mode="json")))


def without_seeds(spec: Mapping[str, Any]) -> Json:
    """A spec of a training or an evaluation with its seeds taken out."""
    kept = cast(Json, json.loads(json.dumps(spec)))
    training = kept.get("source", {}).get("training")
    for part in filter(None, (kept, training)):
        if "seed" in part:
            part["seed"] = BY_SEED
    return kept


def spec_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Each field that differs between two specs: `training.images: 32000 -> 64000`."""
    old, new = dict(_dotted(before)), dict(_dotted(now))
    for path in dict.fromkeys(chain(old, new)):
        if old.get(path, "absent") != new.get(path, "absent"):
            yield f"{path}: {old.get(path, 'absent')} -> {new.get(path, 'absent')}"


def _dotted(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        entries = cast("Mapping[str, Any]", value)
        for key, entry in entries.items():
            yield from _dotted(entry, f"{path}.{key}" if path else key)
    else:
        yield path, json.dumps(value)
