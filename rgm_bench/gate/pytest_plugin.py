"""The pytest fixture `fid_gate`: a generator in Python against a committed baseline.

    def test_fid(fid_gate):
        fid_gate(sample, name="my_model", reference="digits:test", num_images=500)

where `sample(seed, num_images)` returns uint8 images, n x height x width x channels. `pytest
--fid-update` writes the baseline. pytest loads this file whenever the package is installed, so it
imports nothing else before the fixture is used.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rgm_bench.gate.pytest_gate import FidGate


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fid-update`."""
    group = parser.getgroup("rgm-bench")
    group.addoption(
        "--fid-update",
        action="store_true",
        help="fid_gate writes baselines instead of comparing with them",
    )


@pytest.fixture
def fid_gate(request: pytest.FixtureRequest) -> "FidGate":
    """Compares the FID of a generator with a baseline: see `rgm_bench.gate.pytest_gate`."""
    from rgm_bench.gate.pytest_gate import FidGate

    config = request.config
    return FidGate(config.rootpath, update=bool(config.getoption("--fid-update")))
