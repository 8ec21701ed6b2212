"""Generated images against real ones."""

import numpy as np
import pytest
import torch
from PIL import Image

from rgm_bench.build.sampling import build_sampler
from rgm_bench.data.images import load_images, to_uint8
from rgm_bench.evaluation.model import load_generator
from rgm_bench.metrics.fidelity import Extractor, generation_metrics
from rgm_bench.rng import derive_seed
from rgm_bench.sampling.blocks import sample_blocks
from tests.evaluation.conftest import CPU, digits, measured, real

SCORES = {"fid", "inception_score", "kid", "precision", "recall"}


def generate(num: int = 320, split: str = "train", **sampler):
    return {
        "kind": "generate",
        "sampler": {"kind": "restoration"} | sampler if sampler != {"none": True} else None,
        "num_images": num,
        "reference": {"split": split, "extractor": "digits_cnn_v1"},
    }


def pixels(folder) -> np.ndarray:
    return np.asarray(Image.open(folder / "grid.png"))


def test_equal_specs_give_equal_bits_and_other_seeds_others(evaluate, tmp_path) -> None:
    spec = measured(digits(), generate())
    first = evaluate(spec, folder=tmp_path / "a")
    again = evaluate(spec, folder=tmp_path / "b")
    other = evaluate(measured(digits(), generate(), seed=1), folder=tmp_path / "c")
    assert first.metrics == again.metrics
    assert np.array_equal(pixels(tmp_path / "a"), pixels(tmp_path / "b"))
    assert set(first.metrics) == {f"{score}.digits_cnn_v1.n320" for score in SCORES}
    assert first.metrics["fid.digits_cnn_v1.n320"] != other.metrics["fid.digits_cnn_v1.n320"]
    assert not np.array_equal(pixels(tmp_path / "a"), pixels(tmp_path / "c"))


def test_the_scores_are_those_of_images_sampled_by_hand(evaluate, place_of, tmp_path) -> None:
    spec = measured(digits(), generate(noise_factor=0.9))
    outcome = evaluate(spec, folder=tmp_path)
    network = load_generator(spec.source.training, place_of(spec).weights, CPU)
    sampler = build_sampler(spec.measure.sampler, spec.source.training, network, CPU)
    images = to_uint8(torch.cat(list(sample_blocks(sampler, 320, seed=0, device=CPU))))

    extractor = Extractor("digits_cnn_v1")
    train = extractor.features([load_images(kind="digits", split="train")])
    seed = derive_seed(0, "metrics")
    expected = generation_metrics(extractor.features([images]), train, seed=seed).metrics
    found = {name.split(".")[0]: value for name, value in outcome.metrics.items()}
    assert found == pytest.approx(expected, rel=1e-9)

    rows = images[:64].reshape(8, 8, 8, 8).permute(0, 2, 1, 3).reshape(64, 64)
    assert np.array_equal(pixels(tmp_path)[::4, ::4], rows.numpy())


def test_real_images_are_drawn_by_the_seed_and_score_near_nothing(evaluate, tmp_path) -> None:
    data = {"kind": "digits", "split": "train"}
    measure = generate(none=True)
    first, second = (evaluate(real(data, measure, seed)) for seed in (0, 1))
    name = "fid.digits_cnn_v1.n320"
    assert first.metrics[name] != second.metrics[name]
    generated = evaluate(measured(digits(), generate()))
    assert max(first.metrics[name], second.metrics[name]) < generated.metrics[name] / 10
    assert {score.split(".")[0] for score in first.metrics} == SCORES - {"recall"}
    assert "nfe" not in first.cost
    assert first.images == 0


def test_the_reference_is_of_the_split_that_is_asked_for(evaluate) -> None:
    data = {"kind": "digits", "split": "train"}
    train, test = (
        evaluate(real(data, generate(1024, split, none=True))).metrics["fid.digits_cnn_v1.n1024"]
        for split in ("train", "test")
    )
    assert train < test


def test_images_are_measured_as_they_are_and_not_mirrored(evaluate) -> None:
    """Whatever the training does with them."""
    plain, mirrored = (
        evaluate(real({"kind": "digits", "horizontal_flip": flip}, generate(256, none=True)))
        for flip in (False, True)
    )
    assert plain.metrics == mirrored.metrics


def test_a_model_is_measured_at_the_share_that_is_asked_for(evaluate) -> None:
    outcomes = [evaluate(measured(digits(), generate(256), at=at)) for at in (0.25, 1.0)]
    assert [outcome.images for outcome in outcomes] == [16, 64]
    first, second = (outcome.metrics["fid.digits_cnn_v1.n256"] for outcome in outcomes)
    assert first != second


def test_it_says_how_far_it_is(evaluate) -> None:
    told: list[tuple[int, int]] = []
    evaluate(measured(digits(), generate()), report=lambda *done: told.append(done))
    assert told == [(256, 320), (320, 320)]
