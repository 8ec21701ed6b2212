import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from rgm_bench.models.toy import ToyDiscriminator
from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary
from rgm_bench.priors.kld import KldPrior, kld_penalty
from tests.reference.priors import kld_differences

FAKE = MultivariateNormal(torch.tensor([0.8, -0.4]), torch.tensor([[0.7, 0.2], [0.2, 0.5]]))
REAL = MultivariateNormal(torch.zeros(2), torch.eye(2))


@pytest.mark.parametrize("size", ["small", "large"])
def test_penalty_equals_the_published_one(size) -> None:
    assert kld_differences(size)["value"] < 1e-5


def test_the_best_discriminator_gives_the_divergence_between_gaussians() -> None:
    """With logit = log real / fake, the mean penalty over fakes is KL(fake || real)."""
    torch.manual_seed(0)
    x = FAKE.sample((400_000,))
    penalties = kld_penalty(REAL.log_prob(x) - FAKE.log_prob(x))
    standard_error = penalties.std() / len(x) ** 0.5
    expected = kl_divergence(FAKE, REAL)
    assert standard_error < 0.01 * expected
    assert abs(penalties.mean() - expected) < 3 * standard_error


def test_a_trained_discriminator_comes_near_that_divergence() -> None:
    torch.manual_seed(0)
    discriminator, steps, batch = ToyDiscriminator(), 600, 512
    adversary = Adversary(
        discriminator=discriminator,
        optimizer=Adam(
            discriminator, learning_rate=5e-3, final_learning_rate=0, betas=(0.9, 0.999)
        ),
        r1_weight=0.0,
        r1_every=1,
    )
    prior, level = KldPrior(adversary=adversary), torch.zeros(50_000, dtype=torch.int64)
    for step in range(steps):
        real, fake = REAL.sample((batch,)), FAKE.sample((batch,))
        prior.improve(real, fake, level[:batch], step=step, decay=1 - step / steps)
    x = FAKE.sample((len(level),))
    found = prior.penalty(x, x, level).item()
    assert found == pytest.approx(kl_divergence(FAKE, REAL).item(), rel=0.05)
