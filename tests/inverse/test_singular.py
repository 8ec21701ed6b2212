import pytest
import torch

from rgm_bench.forward.blur import Blur
from rgm_bench.forward.operators import (
    BlockAverage,
    ChannelMean,
    Identity,
    Inpainting,
    Projection,
)
from rgm_bench.inverse.singular import singular_basis

SHAPE = (3, 6, 8)
SKEWED = torch.tensor([[0.1, 0.4, 0.2], [0.0, 0.3, 0.0], [0.2, -0.1, 0.0]])
OPERATORS = [
    Identity(),
    BlockAverage(1),
    BlockAverage(2),
    ChannelMean(),
    ChannelMean((0.0, 1.0, 0.0)),
    ChannelMean((1.0, 0.0, 0.0)),
    Inpainting(torch.eye(6, 8)),
    Blur.gaussian(0.8),
    Blur(SKEWED),
    Blur(torch.tensor([[0.25, 0.5, 0.25]])),
]
each_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda A: type(A).__name__)


def pixels() -> torch.Tensor:
    """One image for each pixel: the columns of the unit matrix."""
    return torch.eye(144, dtype=torch.float64).reshape(-1, *SHAPE)


@each_operator
def test_the_transform_is_orthogonal_and_its_own_inverse(operator) -> None:
    basis = singular_basis(operator, pixels())
    V = basis.transform(pixels()).flatten(1)
    torch.testing.assert_close(V @ V, torch.eye(144, dtype=torch.float64))
    torch.testing.assert_close(V, V.T)


@each_operator
def test_the_product_of_the_parts_is_the_operator(operator) -> None:
    x = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis = singular_basis(operator, x)
    product = basis.measurement(basis.values * basis.transform(x))
    torch.testing.assert_close(product, operator.apply(x))


@each_operator
def test_the_values_are_the_singular_values_of_the_matrix(operator) -> None:
    values = singular_basis(operator, pixels()).values.flatten().sort(descending=True).values
    A = operator.apply(pixels()).flatten(1)
    expected = torch.zeros(144, dtype=torch.float64)
    found = torch.linalg.svdvals(A)
    expected[: len(found)] = found
    torch.testing.assert_close(values, expected, atol=1e-7, rtol=1e-7)


@each_operator
def test_what_is_measured_of_a_coefficient_is_itself(operator) -> None:
    """U^T U = 1 on all that the operator sees."""
    rng = torch.Generator().manual_seed(0)
    coefficients = torch.rand(2, *SHAPE, generator=rng, dtype=torch.float64)
    basis = singular_basis(operator, coefficients)
    measured = basis.measured(basis.measurement(coefficients))
    torch.testing.assert_close(measured, torch.where(basis.values > 0, coefficients, 0))


def test_an_operator_without_a_known_decomposition_is_named() -> None:
    with pytest.raises(ValueError, match="known for Projection"):
        singular_basis(Projection(Identity()), pixels())
