"""`rgm-bench doctor --fid` prints both answers, and its exit code is theirs."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rgm_bench import known_answers
from rgm_bench.cli import exit_codes
from rgm_bench.cli.app import app
from rgm_bench.data import location
from rgm_bench.metrics.inception import INCEPTION_VARIABLE

ROW = re.compile(r"^digits +digits_cnn_v1 +1,437 +360 +(\S+) +(\S+) +(\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _what_packages_bring_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(location.DATA_VARIABLE, str(tmp_path))
    monkeypatch.setattr(location, "DEBIAN_FASHION_MNIST", tmp_path / "debian")
    monkeypatch.delenv(INCEPTION_VARIABLE, raising=False)


def test_known_answers_agree_and_what_is_not_there_is_named() -> None:
    done = CliRunner(env=dict(os.environ)).invoke(app, ["doctor", "--fid"])
    assert done.exit_code == exit_codes.DONE, done.output
    row = ROW.search(done.output)
    assert row is not None, done.output
    ours, theirs, difference = map(float, row.groups())
    assert ours == pytest.approx(theirs, rel=1e-6)
    assert difference <= known_answers.TOLERANCE
    assert re.search(r"^natural_patches +patches16_cnn_v1 +4,598 +515 ", done.output, re.MULTILINE)
    for data in ("fashion_mnist", "cifar10", "celeba_hq_256", "lsun_church"):
        assert re.search(rf"^{data} +skipped: not on this machine", done.output, re.MULTILINE)


def test_answers_that_differ_are_an_exit_code_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rounding is small enough for a tolerance below none."""
    monkeypatch.setattr(known_answers, "TOLERANCE", -1.0)
    done = CliRunner().invoke(app, ["doctor", "--fid"])
    assert done.exit_code == exit_codes.REGRESSION
    assert ROW.search(done.output)
