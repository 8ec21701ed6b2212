import pytest
import torch

from rgm_bench.metrics.diversity import latent_diversity


def draws(latents: int, batch: int = 5, *event: int, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(latents, batch, *event, generator=rng)


def test_it_is_the_root_mean_square_of_standard_deviations() -> None:
    found = draws(6, 5, 3, 4, 4)
    deviations = found.double().numpy().std(axis=0, ddof=1)
    assert latent_diversity(found) == pytest.approx((deviations**2).mean() ** 0.5)


def test_equal_restorations_have_none_whatever_they_are() -> None:
    assert latent_diversity(draws(1, 5, 2).expand(7, 5, 2)) == 0


def test_it_scales_with_the_data_and_does_not_see_a_shift() -> None:
    found, shift = draws(6, 5, 2), draws(1, 5, 2, seed=1)
    assert latent_diversity(3 * found + shift) == pytest.approx(3 * latent_diversity(found))


def test_the_order_of_latents_and_samples_does_not_count() -> None:
    found = draws(6, 5, 2)
    rng = torch.Generator().manual_seed(1)
    shuffled = found[torch.randperm(6, generator=rng)][:, torch.randperm(5, generator=rng)]
    assert latent_diversity(shuffled) == pytest.approx(latent_diversity(found))


@pytest.mark.parametrize("latents", [2, 3, 10])
def test_its_square_does_not_depend_on_the_number_of_latents(latents: int) -> None:
    """For independent normal draws it is their variance, with the chance that so many have."""
    num = 40_000
    error = (2 / (latents - 1) / num) ** 0.5
    assert latent_diversity(2 * draws(latents, num, 1)) ** 2 == pytest.approx(4, abs=4 * 5 * error)


def test_small_differences_of_large_values_are_not_lost() -> None:
    found = 1000 + 1e-3 * draws(8, 100, 2).double()
    expected = 1e-3 * latent_diversity(draws(8, 100, 2))
    assert latent_diversity(found) == pytest.approx(expected, rel=1e-6)
