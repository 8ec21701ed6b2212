"""What the fixture `fid_gate` does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, final

import pytest

from rgm_bench.errors import UserError
from rgm_bench.gate.baseline import FOLDER, read_baseline, write_baseline
from rgm_bench.gate.compare import Check, compare, require_enough
from rgm_bench.gate.images import ImageGate, from_callable, measured_images
from rgm_bench.gate.outputs.markdown import plain_text
from rgm_bench.metrics.extractors import ExtractorName


@final
class FidGate:
    """Compares a generator with its baseline, or writes it.

    Args:
        root: of the project: relative paths start there.
        update: whether baselines are written.
    """

    def __init__(self, root: Path, *, update: bool) -> None:
        self.root, self.update = root, update

    def __call__(
        self,
        generate: Callable[[int, int], Any],
        *,
        name: str,
        reference: str,
        num_images: int,
        seeds: Sequence[int] = range(5),
        metrics: Sequence[str] = ("fid",),
        extractor: ExtractorName | None = None,
        margin: float | None = None,
        inconclusive: Literal["pass", "fail"] = "fail",
        baseline: str | Path | None = None,
    ) -> Check | None:
        """Fail the test for a regression.

        Args:
            generate: called with a seed and a number of images; returns uint8 images of
                n x height x width x channels, or a path of files.
            name: of the gate, and of its baseline.
            reference: a data set with or without its split (`digits:test`), or a folder.
            num_images: of each seed.
            seeds: at least 5.
            metrics: what is compared.
            extractor: the network that sees the images; None takes that of the data set.
            margin: what the mean may worsen; None has the repeated runs of the baseline say it.
            inconclusive: what a comparison that decides nothing counts as.
            baseline: its file; None takes `results/baselines/<name>.json`.

        Returns:
            The comparison; None where the baseline was written.
        """
        gate = ImageGate(
            name=name,
            reference=reference if ":" in reference else self._path_or_name(reference),
            seeds=tuple(seeds),
            metrics=tuple(metrics),
            cache=self.root / ".pytest_cache" / "rgm_bench_references",
            num_images=num_images,
            extractor=extractor,
            margin=margin,
        )
        path = self.root / (baseline or FOLDER / f"{name}.json")
        try:
            known = None if self.update else read_baseline(path)
            now = measured_images(gate, from_callable(generate, num_images))
            if known is None:
                require_enough(now)
                write_baseline(now, path)
                return None
            check = compare(now, known, against=str(path), margin=margin)
        except UserError as error:
            pytest.fail(f"fid_gate: {error}".replace("--update", "--fid-update"), pytrace=False)
        passing = ("pass", "improvement", *(["inconclusive"] if inconclusive == "pass" else []))
        if check.verdict not in passing:
            pytest.fail(plain_text(check), pytrace=False)
        print(plain_text(check))
        return check

    def _path_or_name(self, reference: str) -> str:
        """A folder below the root of the project, else what it says."""
        inside = self.root / reference
        return str(inside) if inside.exists() else reference
