"""Three whole training steps with given draws are the published ones."""

import pytest

from tests.reference.training import training_differences


@pytest.mark.parametrize(("kind", "accumulation"), [("kld", 1), ("kld", 2), ("mmd", 1)])
def test_three_steps_equal_the_published_ones(kind, accumulation) -> None:
    found = training_differences(kind, accumulation)
    assert found.keys() == {"generator", "average", "discriminator"}
    assert all(value < 1e-3 for value in found.values()), found
