import os
import subprocess
import sys
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from rgm_bench.config.spec import NaturalPatchesSpec, ReferenceSpec
from rgm_bench.config.spec.misfits import _EXTRACTOR_SHAPES, reference_misfit
from rgm_bench.data.images import load_images
from rgm_bench.metrics import damage
from rgm_bench.metrics.classifier import ClassifierName, new_classifier
from rgm_bench.metrics.extractors import (
    ClassifierExtractor,
    ExtractorName,
    layers,
    register_extractors,
)
from rgm_bench.metrics.fidelity import Extractor, frechet_distance, statistics

METRICS = ("isc", "fid", "kid", "prc")


def test_the_grammar_and_the_extractors_name_the_same():
    allowed = ReferenceSpec.model_fields["extractor"].annotation
    assert get_args(allowed) == get_args(ExtractorName)


def test_the_grammar_knows_what_each_network_was_made_for():
    networks = {name: new_classifier(name) for name in get_args(ClassifierName)}
    shapes = {name: (n.channels, n.image_size, n.image_size) for name, n in networks.items()}
    assert shapes == _EXTRACTOR_SHAPES


@pytest.mark.parametrize(("found", "fits"), [(16, "patches16_cnn_v1"), (32, "inception_v3_compat")])
def test_patches_are_told_which_network_sees_them(found: Literal[16, 32], fits: str):
    data = NaturalPatchesSpec(kind="natural_patches", image_size=found)
    misfit = reference_misfit(ReferenceSpec(extractor="digits_cnn_v1"), data)
    assert misfit is not None
    assert misfit[0] == "extractor"
    assert misfit[1].endswith(f"use {fits}")


def test_layers_come_in_the_order_they_were_asked_for(digits: torch.Tensor):
    images = digits[:8].expand(-1, 3, -1, -1)
    forward = ClassifierExtractor("digits_cnn_v1", ["64", "logits"])(images)
    backward = ClassifierExtractor("digits_cnn_v1", ["logits", "64"])(images)
    assert [len(layer[0]) for layer in forward] == [64, 10]
    assert all(torch.equal(a, b) for a, b in zip(forward, reversed(backward), strict=True))


def test_one_layer_alone_is_given_alone(digits: torch.Tensor):
    (logits,) = ClassifierExtractor("digits_cnn_v1", ["logits"])(digits[:8].expand(-1, 3, -1, -1))
    assert logits.shape == (8, 10)


def test_registering_twice_does_nothing():
    register_extractors()
    register_extractors()
    assert FEATURE_EXTRACTORS_REGISTRY["fashion_mnist_cnn_v1"] is ClassifierExtractor


def test_all_metrics_see_one_extractor_through_the_layers_we_read():
    default = ClassifierExtractor.get_default_feature_layer_for_metric
    ours = layers("digits_cnn_v1")
    assert [default(metric) for metric in METRICS] == [ours.logits] + 3 * [ours.features]


def test_inceptions_layers_are_torch_fidelitys_defaults():
    default = FEATURE_EXTRACTORS_REGISTRY[
        "inception-v3-compat"
    ].get_default_feature_layer_for_metric
    ours = layers("inception_v3_compat")
    assert [default(metric) for metric in METRICS] == [ours.logits] + 3 * [ours.features]


# --- colour patches ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def patch_distances() -> dict[str, float]:
    """FID of half the train patches from the other half, as they are and damaged."""
    extractor, generator = Extractor("patches16_cnn_v1"), torch.Generator().manual_seed(0)
    patches = load_images(kind="natural_patches", split="train", image_size=16)
    first, second = patches[:3000:2], patches[1:3000:2]
    smaller = F.avg_pool2d(second.float(), 2)
    places = torch.randperm(16 * 16, generator=generator)
    versions = {
        "half": second,
        "mirrored": second.flip(3),
        "smoothed 0.5": damage.smoothed(second, 0.5),
        "smoothed 1": damage.smoothed(second, 1.0),
        "smoothed 2": damage.smoothed(second, 2.0),
        "noise 10": damage.noisy(second, 10.0, generator),
        "noise 30": damage.noisy(second, 30.0, generator),
        "faded 0.5": damage.faded(second, 0.5),
        "faded 1": damage.faded(second, 1.0),
        "halved": F.interpolate(smaller, scale_factor=2.0, mode="bilinear").round().byte(),
        "shuffled": second.flatten(2)[..., places].reshape(second.shape),
        "other photographs": load_images(kind="natural_patches", split="test", image_size=16),
    }
    of_first = statistics(extractor.features([first]))
    return {
        what: frechet_distance(statistics(extractor.features([version])), of_first)
        for what, version in versions.items()
    }


def test_halves_of_the_patches_are_close_and_all_that_is_wrong_is_farther(
    patch_distances: dict[str, float],
):
    near = patch_distances["half"]
    assert near == pytest.approx(HALVES_FID, rel=1e-3)
    assert patch_distances["mirrored"] > 1.5 * near
    others = patch_distances.keys() - {"half", "mirrored"}
    assert min(patch_distances[what] for what in others) > 10 * near


HALVES_FID = 0.0770467
"""Of patches16_cnn_v1, whose weights never change: other weights are another extractor."""


@pytest.mark.parametrize(
    "growing",
    [
        ("smoothed 0.5", "smoothed 1", "smoothed 2"),
        ("noise 10", "noise 30"),
        ("faded 0.5", "faded 1"),
    ],
)
def test_the_distance_of_patches_grows_with_the_damage(
    patch_distances: dict[str, float], growing: tuple[str, ...]
):
    distances = [patch_distances[what] for what in growing]
    assert all(after > 1.1 * before for before, after in pairwise(distances))


def test_no_feature_of_patches_is_dead():
    patches = load_images(kind="natural_patches", split="train", image_size=16)[:1500]
    features = Extractor("patches16_cnn_v1").features([patches])
    assert features.fid.std(0).min() > 1e-2
    assert np.linalg.eigvalsh(statistics(features).covariance).min() > 1e-6


PROGRAM = """
import torch, torch_fidelity
from torch.utils.data import TensorDataset
from rgm_bench.metrics.extractors import register_extractors

class Images(TensorDataset):
    def __getitem__(self, index):
        return super().__getitem__(index)[0]

register_extractors()
generator = torch.Generator().manual_seed(0)
first, second = torch.randint(0, 256, (2, 64, 3, 8, 8), dtype=torch.uint8, generator=generator)
print(torch_fidelity.calculate_metrics(
    input1=Images(first), input2=Images(second), feature_extractor="digits_cnn_v1", isc=True,
    fid=True, kid=True, prc=True, kid_subset_size=64, kid_subsets=2, cuda=False, cache=False,
    save_cpu_ram=True, verbose=False,
))
"""


def _run(program: str, hash_seed: int) -> str:
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.process
def test_the_order_of_pythons_sets_does_not_change_a_metric():
    """torch-fidelity asks for `list(set(layers))`, whose order is drawn anew in every process."""
    orders = {_run("print(list({'64', 'logits'}))", seed): seed for seed in range(20)}
    assert len(orders) == 2
    first, second = (_run(PROGRAM, seed) for seed in orders.values())
    assert first == second
    assert "frechet_inception_distance" in first
