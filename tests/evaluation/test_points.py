"""Generated points against their distribution."""

import numpy as np
import pytest
import torch

from rgm_bench.build.sampling import build_sampler
from rgm_bench.data.points import load_points
from rgm_bench.evaluation.model import load_generator
from rgm_bench.metrics.points import points_metrics
from rgm_bench.rng import derive_seed
from rgm_bench.sampling.blocks import sample_blocks
from tests.evaluation.conftest import CPU, measured, plane, real

DATA = {"kind": "gmm8", "num_points": 512}


def points(num: int = 300, **sampler):
    return {
        "kind": "points",
        "sampler": {"kind": "restoration"} | sampler,
        "num_points": num,
    }


REAL = points() | {"sampler": None}


def test_it_leaves_its_points_and_their_scores(evaluate, place_of, tmp_path) -> None:
    spec = measured(plane(), points())
    outcome = evaluate(spec, folder=tmp_path)
    network = load_generator(spec.source.training, place_of(spec).weights, CPU)
    sampler = build_sampler(spec.measure.sampler, spec.source.training, network, CPU)
    expected = torch.cat(list(sample_blocks(sampler, 300, seed=0, device=CPU)))
    found = np.load(tmp_path / "points.npy")
    assert found.dtype == np.float32
    assert np.array_equal(found, expected.numpy())

    test = load_points(kind="gmm8", split="test", num=300)
    scores = points_metrics(expected, test, kind="gmm8", seed=derive_seed(0, "metrics")).metrics
    assert outcome.metrics == {f"{name}.points.n300": value for name, value in scores.items()}


def test_equal_specs_give_equal_bits_and_other_seeds_others(evaluate) -> None:
    first, again, other = (
        evaluate(measured(plane(), points(), seed=seed)).metrics for seed in (0, 0, 1)
    )
    assert first == again
    assert first["w2.points.n300"] != other["w2.points.n300"]


def test_a_point_is_the_same_however_many_are_asked_for(evaluate, tmp_path) -> None:
    for num in (300, 40):
        evaluate(measured(plane(), points(num)), folder=tmp_path / str(num))
    many, few = (np.load(tmp_path / str(num) / "points.npy") for num in (300, 40))
    assert np.array_equal(many[:40], few)


def test_real_points_are_training_points_by_the_seed_and_good(evaluate, tmp_path) -> None:
    first = evaluate(real(DATA, REAL), folder=tmp_path / "a")
    other = evaluate(real(DATA, REAL, seed=1), folder=tmp_path / "b")
    drawn, again = (np.load(tmp_path / folder / "points.npy") for folder in "ab")
    assert not np.array_equal(drawn, again)
    train = {tuple(point) for point in load_points(kind="gmm8", split="train", num=512).tolist()}
    assert {tuple(point) for point in drawn.tolist()} <= train
    generated = evaluate(measured(plane(), points()))
    for outcome in (first, other):
        assert outcome.metrics["modes_covered.points.n300"] == 8
        assert outcome.metrics["good_share.points.n300"] > 0.99
        assert outcome.metrics["w2.points.n300"] < generated.metrics["w2.points.n300"] / 2


@pytest.mark.parametrize("level", [1, 4])
def test_one_shot_restores_degraded_test_points(evaluate, place_of, tmp_path, level) -> None:
    """Their number is that of the training's points, drawn with repetition."""
    spec = measured(plane(), points(256, kind="one_shot", start_level=level))
    evaluate(spec, folder=tmp_path)
    network = load_generator(spec.source.training, place_of(spec).weights, CPU)
    sampler = build_sampler(spec.measure.sampler, spec.source.training, network, CPU)
    assert torch.equal(sampler.data, load_points(kind="gmm8", split="test", num=512))
    assert sampler.levels == (level, 0)
    expected = next(sample_blocks(sampler, 256, seed=0, device=CPU))
    assert np.array_equal(np.load(tmp_path / "points.npy"), expected.numpy())
