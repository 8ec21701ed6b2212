"""The spread of restorations over the latent."""

from jaxtyping import Float
from torch import Tensor


def latent_diversity(restorations: Float[Tensor, "latents batch *event"]) -> float:
    """The standard deviation over latents, root mean square over entries and samples.

    In units of the data: pixels in [-1, 1]. The variance is divided by one less than the number of
    latents, so that its square does not depend on their number.

    Source: Choi et al. 2023, the figure on the diversity of restorations; the paper shows pictures
    and gives no formula, so the measure is ours.
    """
    return restorations.double().var(0, unbiased=True).mean().sqrt().item()
