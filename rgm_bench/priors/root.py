"""Roots of distances, with a gradient where the distance is zero."""

import torch
from jaxtyping import Float
from torch import Tensor


def root(power: Float[Tensor, ""], order: float) -> Float[Tensor, ""]:
    """`power` to the 1 / `order`; zero, with a zero gradient, where `power` is not positive.

    Zero is one of the subgradients of a distance at its minimum; the plain root has none there and
    would give not-a-number, for equal sets or where rounding made `power` negative. What is not a
    number stays so.
    """
    nothing = power <= 0
    return torch.where(nothing, 0.0, torch.where(nothing, 1.0, power) ** (1 / order))
