"""How far restorations of one observation differ over the latent."""

import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.data.images import load_images, to_uint8, to_unit_range
from rgm_bench.data.points import load_points
from rgm_bench.evaluation.model import load_generator
from rgm_bench.forward.noise import NoiseForward
from rgm_bench.rng import generator
from tests.evaluation.conftest import CPU, DIGITS, digits, measured, plane


def diversity(level: int = 2, num: int = 40, latents: int = 9, **fields):
    return {
        "kind": "latent_diversity",
        "level": level,
        "num_images": num,
        "num_latents": latents,
    } | fields


def restorations(spec, place, data: torch.Tensor) -> torch.Tensor:
    """All of them, latents first: each block degraded once, then restored with every z."""
    measure, training = spec.measure, spec.source.training
    network = load_generator(training, place.weights, CPU)
    forward, parts = NoiseForward(4), []
    for number, x0 in enumerate(data.split(256)):
        rng = generator(CPU, spec.seed, "block", number)
        level = torch.full((len(x0),), measure.level)
        y = forward.sample(x0, level, torch.randn(x0.shape, generator=rng))
        size = training.generator.latent.size
        latents = [torch.randn(len(x0), size, generator=rng) for _ in range(measure.num_latents)]
        with torch.no_grad():
            parts.append(torch.stack([network(y, level - 1, z) for z in latents]))
    return torch.cat(parts, 1)


def test_without_a_latent_there_is_none(evaluate) -> None:
    generator = DIGITS["generator"] | {"latent": DIGITS["generator"]["latent"] | {"kind": "zeros"}}
    outcome = evaluate(measured(digits(generator=generator), diversity()))
    assert outcome.metrics == {"latent_diversity.pixels.n40": 0.0}


@pytest.mark.parametrize("level", [1, 4])
def test_images(evaluate, place_of, tmp_path, level: int) -> None:
    spec = measured(digits(), diversity(level))
    outcome = evaluate(spec, folder=tmp_path)
    x0 = to_unit_range(load_images(kind="digits", split="test")[:40])
    found = restorations(spec, place_of(spec), x0)
    expected = np.sqrt(found.double().numpy().var(axis=0, ddof=1).mean())
    assert expected > 0
    assert outcome.metrics == {"latent_diversity.pixels.n40": pytest.approx(expected, rel=1e-6)}

    shown = to_uint8(found[:8, :8].transpose(0, 1).flatten(0, 1))
    rows = shown.reshape(8, 8, 8, 8).permute(0, 2, 1, 3).reshape(64, 64)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "grid.png"))[::4, ::4], rows.numpy())


def test_points_in_several_blocks(evaluate, place_of, tmp_path) -> None:
    spec = measured(plane(), diversity(num=300, latents=4, split="train"), seed=3)
    outcome = evaluate(spec, folder=tmp_path)
    x0 = load_points(kind="gmm8", split="train", num=512)[:300]
    found = restorations(spec, place_of(spec), x0).double().numpy()
    expected = np.sqrt(found.var(axis=0, ddof=1).mean())
    assert outcome.metrics == {"latent_diversity.pixels.n300": pytest.approx(expected, rel=1e-6)}
    assert not (tmp_path / "grid.png").exists()


def test_equal_specs_give_equal_bits(evaluate) -> None:
    first, again, other = (
        evaluate(measured(plane(), diversity(), seed=seed)).metrics for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
