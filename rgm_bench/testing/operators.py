"""The laws of linear operators."""

import torch
from torch import Tensor

from rgm_bench.forward.operators import LinearOperator

WEIGHTS = (0.1, 1.0, 100.0)


class OperatorContract:
    """Subclass, return an operator from `make`, inherit the laws.

    Everything is computed in float64. `shape` is that of an image the operator takes.

    `infinite_weight` is a prox weight at which nothing but the measurement counts: well above one
    over the square of the operator's smallest singular value that is not zero.
    """

    shape: tuple[int, int, int] = (3, 16, 16)
    infinite_weight: float = 1e12

    def make(self) -> LinearOperator:
        """The operator under test."""
        raise NotImplementedError

    def test_linear(self) -> None:
        """A (a x + b x') = a A x + b A x'."""
        operator = self.make()
        x, other = self._images(0), self._images(1)
        together = operator.apply(2 * x - 3 * other)
        _equal(together, 2 * operator.apply(x) - 3 * operator.apply(other))

    def test_adjoint(self) -> None:
        """<A x, y> = <x, A^T y>."""
        operator, x = self.make(), self._images(0)
        y = self._measurements(operator, 1)
        _equal(_dot(operator.apply(x), y), _dot(x, operator.adjoint(y)))

    def test_pseudo_inverse_gives_back_what_the_operator_sees(self) -> None:
        """A A^+ A = A, the first condition of Penrose."""
        operator = self.make()
        y = operator.apply(self._images(0))
        _equal(operator.apply(operator.pseudo_inverse(y)), y)

    def test_pseudo_inverse_adds_nothing(self) -> None:
        """A^+ A A^+ = A^+, the second."""
        operator = self.make()
        x = operator.pseudo_inverse(self._measurements(operator, 0))
        _equal(operator.pseudo_inverse(operator.apply(x)), x)

    def test_both_products_are_symmetric(self) -> None:
        """A A^+ and A^+ A are their own transposes, the third and the fourth."""
        operator = self.make()
        x, other = self._images(0), self._images(1)
        y, y_other = self._measurements(operator, 2), self._measurements(operator, 3)

        def there_and_back(x: Tensor) -> Tensor:
            return operator.pseudo_inverse(operator.apply(x))

        def back_and_there(y: Tensor) -> Tensor:
            return operator.apply(operator.pseudo_inverse(y))

        _equal(_dot(there_and_back(x), other), _dot(x, there_and_back(other)))
        _equal(_dot(back_and_there(y), y_other), _dot(y, back_and_there(y_other)))

    def test_prox_is_the_minimiser(self) -> None:
        """The gradient of weight / 2 * ||A u - y||^2 + ||u - x||^2 / 2 is zero at u."""
        operator, x = self.make(), self._images(0)
        y = self._measurements(operator, 1)
        for weight in WEIGHTS:
            u = operator.prox(x, y, weight)
            _equal(weight * operator.adjoint(y - operator.apply(u)), u - x)

    def test_prox_of_weight_zero_ignores_the_measurement(self) -> None:
        """It gives back the image."""
        operator, x = self.make(), self._images(0)
        _equal(operator.prox(x, self._measurements(operator, 1), 0.0), x)

    def test_prox_of_infinite_weight_is_the_nearest_best_explanation(self) -> None:
        """X + A^+ (y - A x)."""
        operator, x = self.make(), self._images(0)
        y = self._measurements(operator, 1)
        nearest = x + operator.pseudo_inverse(y - operator.apply(x))
        u = operator.prox(x, y, self.infinite_weight)
        torch.testing.assert_close(u, nearest, rtol=1e-5, atol=1e-5)

    def test_prox_leaves_what_explains_the_measurement(self) -> None:
        """An x with A x = y is its own prox."""
        operator, x = self.make(), self._images(0)
        for weight in WEIGHTS:
            _equal(operator.prox(x, operator.apply(x), weight), x)

    def _images(self, seed: int) -> Tensor:
        return _normal((2, *self.shape), seed)

    def _measurements(self, operator: LinearOperator, seed: int) -> Tensor:
        return _normal(operator.apply(self._images(0)).shape, seed)


def _normal(shape: tuple[int, ...], seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum()


def _equal(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)
