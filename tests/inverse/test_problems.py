import pytest
import torch

from rgm_bench.forward.blur import Blur
from rgm_bench.inverse.problems import (
    colorization,
    deblurring,
    denoising,
    inpainting,
    super_resolution,
)
from tests.reference.inverse import PROBLEMS, start_differences
from tests.vectors import difference, load


@pytest.mark.parametrize("task", PROBLEMS)
def test_the_start_is_the_published_one(task) -> None:
    found = start_differences(task)
    assert len(found) == 2
    assert all(value < 1e-6 for value in found.values()), found


def test_the_published_start_of_colorization_is_not_the_pseudo_inverse() -> None:
    tensors, _ = load("inverse")
    problem = PROBLEMS["color"]
    y = problem.operator.apply(tensors["input.x"])
    assert difference(problem.operator.pseudo_inverse(y), tensors["color.drs_start"]) > 1e-4


@pytest.mark.parametrize(
    "problem",
    [super_resolution(4), colorization(), denoising(0.0), inpainting(torch.eye(8))],
    ids=lambda problem: problem.name,
)
def test_a_lifted_measurement_measures_the_same(problem) -> None:
    y = problem.operator.apply(torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(problem.operator.apply(problem.lift(y)), y)


def test_a_blurred_image_is_where_deblurring_starts() -> None:
    problem = deblurring(Blur.gaussian(1.0).kernel)
    y = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(problem.lift(y), y)


def test_noise_of_hidden_pixels_does_not_come_back() -> None:
    problem = inpainting(torch.eye(8), noise_std=1.0)
    y = problem.observe(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8))
    assert torch.equal(problem.lift(y), torch.eye(8)[None, None])


def test_noise_has_the_standard_deviation_of_the_problem_and_the_size_of_the_measurement() -> None:
    problem = super_resolution(4, noise_std=0.3)
    x0 = torch.rand(50, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    noise = problem.draw_noise(x0, torch.Generator().manual_seed(1))
    residual = problem.observe(x0, noise) - problem.operator.apply(x0)
    assert residual.std().item() == pytest.approx(0.3, rel=0.01)
    assert torch.equal(problem.observe(x0, 0 * noise), problem.operator.apply(x0))


@pytest.mark.parametrize("noise_std", [-0.1, float("nan")])
def test_a_standard_deviation_is_not_negative(noise_std) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        denoising(noise_std)
