"""Any model as the arm of a gate: its images of each seed against a reference."""

import shlex
import subprocess
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

from rgm_bench.config.gate_names import unknown_metric
from rgm_bench.errors import DataError, StudyError, UserError
from rgm_bench.execution.device import take_device
from rgm_bench.gate.baseline import Measurement, Number
from rgm_bench.gate.device import this_kind
from rgm_bench.gate.revision import revision
from rgm_bench.gate.rule import MIN_SEEDS, usual_margin
from rgm_bench.image_metrics.files import open_images
from rgm_bench.image_metrics.image_set import ImageSet
from rgm_bench.image_metrics.measure import image_metrics
from rgm_bench.image_metrics.reference import Reference
from rgm_bench.metrics.extractors import ExtractorName
from rgm_bench.metrics.fidelity import GENERATION_METRICS, Extractor
from rgm_bench.metrics.names import MetricName
from rgm_bench.metrics.scores import Scores
from rgm_bench.report.columns import COLUMNS
from rgm_bench.results.code import code_digest
from rgm_bench.results.provenance import provenance
from rgm_bench.types import ByteImage

LINES_OF_OUTPUT = 15
"""What is shown of a command that failed."""

Images = Callable[[int], AbstractContextManager[Path]]
"""Gives a folder of pictures or an array file for a seed, for as long as it is looked at."""


class GeneratorError(UserError):
    """A model that gave no images for a seed."""


@final
@dataclass(frozen=True)
class ImageGate:
    """What is measured of any model.

    Args:
        name: of the gate, and of its files.
        reference: a data set or a folder, as `Reference.open` takes it.
        seeds: of the model.
        metrics: what is gated.
        num_images: of each seed; None takes all, which have to be as many for each.
        extractor: the network that sees the images; None takes the usual one of the reference.
        margin: what the mean may worsen; None has the repeated runs of the baseline say it.
        cache: the folder of reference features.
    """

    name: str
    reference: str
    seeds: Sequence[int]
    metrics: Sequence[str]
    cache: Path
    num_images: int | None = None
    extractor: ExtractorName | None = None
    margin: float | None = None

    def require_sense(self) -> None:
        """Raise StudyError for a metric that there is not, or too few seeds."""
        for metric in self.metrics:
            if metric not in GENERATION_METRICS:
                raise StudyError(f"--metric: {unknown_metric(metric, GENERATION_METRICS)}")
        if len(self.seeds) < MIN_SEEDS:
            raise StudyError(
                f"{self.name}: found {len(self.seeds)} seeds; a gate needs {MIN_SEEDS} or more"
            )


def from_folders(pattern: str) -> Images:
    """Images that lie in a folder, or an array file, for each seed.

    Args:
        pattern: a path with `{seed}` in it.

    Raises:
        StudyError: it has none, so that all seeds would be the same images.
    """
    _require(pattern, "--arm-folders", "{seed}")
    return lambda seed: nullcontext(Path(pattern.replace("{seed}", str(seed))))


def from_command(
    command: str, *, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Images:
    """Images that a command writes into a folder, which is removed afterwards.

    Args:
        command: with `{seed}` and `{dir}` in it; it is split as a shell does, and no shell runs it.
        cwd: where it runs.
        environment: its variables; None gives it the present ones.

    Raises:
        StudyError: one of the two is not in it, or a quote is not closed.
    """
    _require(command, "--arm-command", "{seed}", "{dir}")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise StudyError(f"--arm-command: {command}: {error}") from error

    @contextmanager
    def images(seed: int) -> Generator[Path]:
        with tempfile.TemporaryDirectory(prefix="rgm-bench-") as folder:
            given = [w.replace("{seed}", str(seed)).replace("{dir}", folder) for w in words]
            _run(given, seed, cwd, environment)
            yield Path(folder)

    return images


def from_callable(generate: Callable[[int, int], Any], num_images: int) -> Images:
    """Images that a Python function returns.

    Args:
        generate: called with a seed and the number of images; returns uint8 of
            n x height x width x channels as an array or a tensor, or a path of files.
        num_images: of each seed.
    """

    @contextmanager
    def images(seed: int) -> Generator[Path]:
        made = generate(seed, num_images)
        if isinstance(made, str | Path):
            yield Path(made)
            return
        array = made.detach().cpu().numpy() if isinstance(made, torch.Tensor) else np.asarray(made)
        with tempfile.TemporaryDirectory(prefix="rgm-bench-") as folder:
            path = Path(folder) / f"seed-{seed}.npy"
            np.save(path, array, allow_pickle=False)
            yield path

    return images


def measured_images(gate: ImageGate, images: Images) -> Measurement:
    """The gated numbers of a model.

    Raises:
        GeneratorError: it gave no images for a seed.
        DataError: the images cannot be measured, or are not as many for each seed.
        MissingDataError: the reference is not on this machine.
        StudyError: the gate makes no sense.
    """
    gate.require_sense()
    on_gpu = torch.cuda.is_available()
    device = take_device(1 if on_gpu else 0)
    found, digests = dict[int, Scores](), dict[str, str]()
    reference, extractor, counts = None, None, dict[int, int]()
    for seed in gate.seeds:
        with images(seed) as path:
            opened = open_images(path, num=gate.num_images)
            if reference is None or extractor is None:
                reference = Reference.open(gate.reference, image_size=opened.shape[1])
                name = gate.extractor or reference.usual_extractor()
                extractor = Extractor(name, device=device)
            counts[seed] = opened.num
            _require_as_many(counts)
            seen: list[bytes] = []
            watched = _watched(opened, seen)
            found[seed] = image_metrics(watched, reference, extractor, seed=seed, cache=gate.cache)
            digests[str(seed)] = sha256(b"".join(sorted(seen))).hexdigest()[:16]
    assert reference is not None
    assert extractor is not None
    kind = "cuda" if on_gpu else "cpu"
    spec: dict[str, Any] = {
        "reference": reference.images.title,
        "reference_images": reference.images.num,
        "reference_content": reference.content(),
        "extractor": extractor.name,
        "num_images": counts[gate.seeds[0]],
    }
    return Measurement(
        gate=gate.name,
        commit=revision(),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        device=this_kind(kind),
        versions=provenance(kind)["versions"],
        code={"evaluation": code_digest("evaluation")},
        numbers=tuple(
            _number(metric, gate, spec, found).model_copy(update={"images": digests})
            for metric in gate.metrics
        ),
    )


def _watched(images: ImageSet, seen: list[bytes]) -> ImageSet:
    """The same images, of each of which a digest is kept as it is looked at."""

    def blocks() -> Iterator[ByteImage]:
        for block in images.blocks():
            seen.extend(sha256(image.numpy().tobytes()).digest() for image in block.cpu())
            yield block

    return replace(images, blocks=blocks)


def _number(
    metric: str, gate: ImageGate, spec: dict[str, Any], found: Mapping[int, Scores]
) -> Number:
    name = str(MetricName(metric, spec["extractor"], spec["num_images"]))
    values = {str(seed): scores.metrics.get(name) for seed, scores in found.items()}
    about = COLUMNS[metric]
    assert about.better is not None
    margin = usual_margin(values, about.scale) if gate.margin is None else gate.margin
    return Number(
        arm="",
        evaluation="",
        metric=name,
        scale=about.scale,
        better=about.better,
        margin=margin,
        margin_in_pairs=margin,
        spec=spec,
        ids={},
        weights={},
        values=values,
    )


def _run(
    words: Sequence[str], seed: int, cwd: Path | None, environment: Mapping[str, str] | None
) -> None:
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise GeneratorError(f"--arm-command: {words[0]}: {error.strerror or error}") from error
    if done.returncode:
        lines = done.stdout.splitlines()[-LINES_OF_OUTPUT:]
        said = "".join(f"\n  {line}" for line in lines) or " nothing"
        raise GeneratorError(
            f"seed {seed}: `{shlex.join(words)}` ended with exit code {done.returncode}, and "
            f"said:{said}"
        )


def _require(text: str, option: str, *places: str) -> None:
    for place in places:
        if place not in text:
            raise StudyError(f"{option}: found {text!r}; expected {place} in it")


def _require_as_many(counts: Mapping[int, int]) -> None:
    """FID depends on the number of images: it has to be one number for all seeds."""
    first, last = next(iter(counts)), next(reversed(counts))
    if counts[first] != counts[last]:
        raise DataError(
            f"seed {last} has {counts[last]:,} images and seed {first} {counts[first]:,}: FID "
            "depends on their number; --num-images takes as many of each"
        )
