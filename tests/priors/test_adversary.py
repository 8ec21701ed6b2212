import pytest
import torch
from torch import nn

from rgm_bench.models.discriminator import Discriminator
from rgm_bench.models.toy import ToyDiscriminator
from rgm_bench.optim import Adam
from rgm_bench.priors.adversary import Adversary, r1_penalty
from tests.reference.priors import adversary_differences
from tests.vectors import difference


@pytest.mark.parametrize("size", ["small", "large"])
def test_losses_and_lazy_penalty_equal_the_published_ones(size) -> None:
    found = adversary_differences(size)
    assert found["loss"] < 1e-5
    assert found["value"] < 1e-5
    assert found["gradient"] < 1e-4


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


def make_adversary(
    network: nn.Module | None = None, *, accumulation: int = 1, r1_every: int = 2
) -> Adversary:
    torch.manual_seed(0)
    if network is None:
        network = Discriminator(size="small", image_channels=1, base_channels=4, time_embedding=8)
        for parameter in network.parameters():  # away from the zero start of some layers
            nn.init.normal_(parameter, std=0.3)
    return Adversary(
        discriminator=network,
        optimizer=Adam(network, learning_rate=1e-3, final_learning_rate=1e-5, betas=(0.5, 0.9)),
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
        adversary = make_adversary(accumulation=parts)
        taken: list[torch.Tensor] = []
        network = adversary.discriminator
        adversary.optimizer.step = lambda decay, n=network, t=taken: t.extend(  # type: ignore[method-assign]
            p.grad.flatten() for p in n.parameters()
        )
        losses.append(adversary.improve(*batch(), step=step, decay=1.0))
        gradients.append(torch.cat(taken))
    for other, gradient in zip(losses[1:], gradients[1:], strict=True):
        assert difference(gradient, gradients[0]) < 1e-4
        assert other.keys() == losses[0].keys()
        for name, loss in other.items():
            torch.testing.assert_close(loss, losses[0][name])


def test_r1_is_lazy() -> None:
    adversary = make_adversary(r1_every=3)
    reported = ["r1" in adversary.improve(*batch(), step=step, decay=1.0) for step in range(7)]
    assert reported == [True, False, False, True, False, False, True]


def test_improving_lowers_the_loss_and_leaves_the_network_frozen() -> None:
    adversary = make_adversary()
    losses = [
        adversary.improve(*batch(), step=s, decay=1.0)["discriminator_loss"].item()
        for s in range(60)
    ]
    assert losses[-1] < 0.5 * losses[0]
    assert not any(parameter.requires_grad for parameter in adversary.discriminator.parameters())


@pytest.mark.parametrize(
    ("network", "event_shape"), [(None, (1, 8, 8)), (ToyDiscriminator(width=5), (2,))]
)
def test_features_are_those_of_the_network_one_row_for_each(network, event_shape) -> None:
    adversary = make_adversary(network)
    x = torch.randn(4, *event_shape, generator=torch.Generator().manual_seed(0))
    level = torch.arange(4)
    features = adversary.features(x, level)
    assert features.shape == (4, adversary.feature_size(event_shape))
    for index in range(4):
        alone = adversary.discriminator.features(x[[index]], level[[index]])
        torch.testing.assert_close(features[index], alone.flatten())


def test_a_network_without_features_is_told_so() -> None:
    adversary = make_adversary(Quadratic())
    with pytest.raises(TypeError, match=r"Quadratic has no method features\(x, level\)"):
        adversary.features(torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64))
    handed = Adversary(
        discriminator=Quadratic(),
        optimizer=adversary.optimizer,
        r1_weight=0.0,
        r1_every=1,
        extract=lambda x, level: 2 * x,
    )
    x = torch.ones(2, 2)
    assert torch.equal(handed.features(x, torch.zeros(2, dtype=torch.int64)), 2 * x)
