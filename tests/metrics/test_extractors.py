import os
import subprocess
import sys
from typing import get_args

import pytest
import torch
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from rgm_bench.config.spec import ReferenceSpec
from rgm_bench.metrics.extractors import (
    ClassifierExtractor,
    ExtractorName,
    layers,
    register_extractors,
)

METRICS = ("isc", "fid", "kid", "prc")


def test_the_grammar_and_the_extractors_name_the_same():
    allowed = ReferenceSpec.model_fields["extractor"].annotation
    assert get_args(allowed) == get_args(ExtractorName)


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


@pytest.mark.slow
def test_the_order_of_pythons_sets_does_not_change_a_metric():
    """torch-fidelity asks for `list(set(layers))`, whose order is drawn anew in every process."""
    orders = {_run("print(list({'64', 'logits'}))", seed): seed for seed in range(20)}
    assert len(orders) == 2
    first, second = (_run(PROGRAM, seed) for seed in orders.values())
    assert first == second
    assert "frechet_inception_distance" in first
