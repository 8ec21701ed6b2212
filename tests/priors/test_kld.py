import pytest
import torch
from torch import nn

from rgm_bench.models.discriminator import Discriminator
from rgm_bench.optim import Adam
from rgm_bench.priors.kld import KldPrior, kld_penalty, logistic_loss, r1_penalty
from tests.vectors import difference, load, published_discriminator, two_threads, under


@pytest.mark.parametrize("size", ["small", "large"])
def test_losses_and_lazy_penalty_equal_the_published_ones(size) -> None:
    tensors, config = load(f"discriminator_{size}")
    discriminator = published_discriminator(config, size)
    discriminator.load_state_dict(under("state.", tensors))
    x, level = tensors["input.x"].clone().requires_grad_(), tensors["input.t"]
    with two_threads():
        logits = discriminator(x, level)
        penalty = r1_penalty(logits, x, 0.02)
        penalty.backward()
    # the published files hold the loss of the same images taken as real and as fake
    both = logistic_loss(logits.detach(), logits.detach())
    assert difference(both, tensors["output.loss_real"] + tensors["output.loss_fake"]) < 1e-5
    expected = tensors["output.generator_kld_loss_per_sample"]
    assert difference(kld_penalty(logits).detach(), expected) < 1e-5
    assert difference(penalty.detach(), tensors["output.r1_gamma_0.02"]) < 1e-5
    gradients = {
        name: parameter.grad
        for name, parameter in discriminator.named_parameters()
        if f"output.r1_grad.{name}" in tensors
    }
    assert len(gradients) == sum(name.startswith("output.r1_grad.") for name in tensors)
    found = torch.cat([g.flatten() for g in gradients.values() if g is not None])
    expected = torch.cat([tensors[f"output.r1_grad.{name}"].flatten() for name in gradients])
    assert difference(found, expected) < 1e-4


def test_the_best_discriminator_gives_the_divergence_between_gaussians() -> None:
    """With logit = log real / fake, the mean penalty over fakes is KL(fake || real)."""
    fake = torch.distributions.Normal(torch.tensor(0.5), torch.tensor(1.2))
    real = torch.distributions.Normal(torch.tensor(-0.3), torch.tensor(0.8))
    torch.manual_seed(0)
    x = fake.sample((400_000,))
    logits = real.log_prob(x) - fake.log_prob(x)
    closed_form = torch.distributions.kl_divergence(fake, real)
    torch.testing.assert_close(kld_penalty(logits).mean(), closed_form, rtol=0.01, atol=0)


class Quadratic(nn.Module):
    """logit = a |x|^2 / 2, whose gradient is a x."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(3.0))

    def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        return self.a * x.square().flatten(1).sum(1) / 2


def test_r1_has_its_closed_form() -> None:
    x = torch.randn(10, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network = Quadratic()
    penalty = r1_penalty(network(x, torch.zeros(10, dtype=torch.int64)), x, 0.5)
    penalty.backward()
    mean_square = x.detach().square().sum(1).mean()
    torch.testing.assert_close(penalty.detach(), 0.25 * 9 * mean_square)
    torch.testing.assert_close(network.a.grad, 0.25 * 6 * mean_square)


def make_prior(accumulation: int = 1, r1_every: int = 2) -> KldPrior:
    torch.manual_seed(0)
    network = Discriminator(size="small", image_channels=1, base_channels=4, time_embedding=8)
    for parameter in network.parameters():  # away from the zero start of some layers
        nn.init.normal_(parameter, std=0.3)
    adam = Adam(network, learning_rate=1e-3, final_learning_rate=1e-5, betas=(0.5, 0.9))
    return KldPrior(
        discriminator=network,
        optimizer=adam,
        r1_weight=0.1,
        r1_every=r1_every,
        accumulation=accumulation,
    )


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    real, fake = torch.randn(2, 16, 1, 8, 8, generator=rng)
    return real, fake, torch.randint(4, (16,), generator=rng)


@pytest.mark.parametrize("step", [0, 1])
def test_accumulation_changes_only_the_last_bits(step) -> None:
    """Gradients are compared, not steps: Adam turns last bits of a zero gradient into a step."""
    losses, gradients = [], []
    for parts in (1, 2, 4):
        prior = make_prior(accumulation=parts)
        taken: list[torch.Tensor] = []
        network = prior.discriminator
        prior.optimizer.step = lambda decay, n=network, t=taken: t.extend(  # type: ignore[method-assign]
            p.grad.flatten() for p in n.parameters()
        )
        losses.append(prior.improve(*batch(), step=step, decay=1.0))
        gradients.append(torch.cat(taken))
    for other, gradient in zip(losses[1:], gradients[1:], strict=True):
        assert difference(gradient, gradients[0]) < 1e-4
        assert other.keys() == losses[0].keys()
        for name, loss in other.items():
            torch.testing.assert_close(loss, losses[0][name])


def test_the_penalty_is_lazy() -> None:
    prior = make_prior(r1_every=3)
    reported = ["r1" in prior.improve(*batch(), step=step, decay=1.0) for step in range(7)]
    assert reported == [True, False, False, True, False, False, True]


def test_improving_lowers_the_loss_and_leaves_the_network_frozen() -> None:
    prior = make_prior()
    losses = [
        prior.improve(*batch(), step=s, decay=1.0)["discriminator_loss"].item() for s in range(60)
    ]
    assert losses[-1] < 0.5 * losses[0]
    assert not any(parameter.requires_grad for parameter in prior.discriminator.parameters())


def test_the_penalty_reaches_the_fakes_and_not_the_network() -> None:
    prior = make_prior()
    real, fake, level = batch()
    fake.requires_grad_()
    prior.penalty(fake, real, level).backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in prior.discriminator.parameters())
