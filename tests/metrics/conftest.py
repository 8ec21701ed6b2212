import pytest
import torch

from rgm_bench.data.images import load_images
from rgm_bench.metrics.fidelity import Extractor, Features


@pytest.fixture(scope="session")
def extractor() -> Extractor:
    return Extractor("digits_cnn_v1")


@pytest.fixture(scope="session")
def digits() -> torch.Tensor:
    return load_images(kind="digits", split="train")


@pytest.fixture(scope="session")
def noise() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (400, 1, 8, 8), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="session")
def digit_features(extractor: Extractor, digits: torch.Tensor) -> Features:
    return extractor.features([digits])
