"""What weighs the paper's trainings runs one of them, whole networks and all."""

from pathlib import Path

import pytest

from benchmarks.paper_profiles import run_alone, trainings, write_data


@pytest.mark.data
def test_two_steps_of_a_paper_training_are_finite(tmp_path: Path) -> None:
    """In a process of its own, which takes 2 GB and fails on a loss that is not finite."""
    write_data(tmp_path)
    spec = trainings(["generation"], "paper")["generation: arm rgm_kld_t4"]
    generator, others, peak, seconds, gflop = run_alone(spec, tmp_path).split()
    assert (int(generator), int(others)) == (48_432_515, 12_741_249)
    assert 0 < int(peak) < 4096
    assert float(seconds) > 0
    assert float(gflop) == pytest.approx(81.7, abs=0.1)
