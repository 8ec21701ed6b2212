"""The networks that see images, in the form that torch-fidelity calls.

Inception score, KID and FID of one extractor always see the same network: torch-fidelity's own
defaults would take two different ones for them and for precision and recall.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never, final, get_args

from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY, register_feature_extractor

from rgm_bench.metrics.classifier import (
    NUM_FEATURES,
    ClassifierName,
    load_classifier,
    weights_file,
)
from rgm_bench.metrics.inception import inception_weights

ExtractorName: TypeAlias = Literal[
    "digits_cnn_v1", "fashion_mnist_cnn_v1", "patches16_cnn_v1", "inception_v3_compat"
]


@final
@dataclass(frozen=True)
class Layers:
    """The layers of an extractor that metrics read.

    Args:
        features: for FID and KID.
        logits: for the inception score.
    """

    features: str
    logits: str


_CLASSIFIER_LAYERS = Layers(features=str(NUM_FEATURES), logits="logits")
_INCEPTION_LAYERS = Layers(features="2048", logits="logits_unbiased")


@final
class ClassifierExtractor(FeatureExtractorBase):
    """A small classifier, for `torch_fidelity.calculate_metrics(feature_extractor=name)`.

    Args:
        name: under which it was registered: also says whose weights to load.
        features_list: the layers to give, in this order.
        feature_extractor_weights_path: of other weights than the shipped ones.
        options: torch-fidelity hands over everything it was called with; the rest is not ours.
    """

    def __init__(
        self,
        name: ClassifierName,
        features_list: list[str],
        feature_extractor_weights_path: str | None = None,
        **options: object,
    ) -> None:
        super().__init__(name, features_list)
        path = feature_extractor_weights_path
        self.network = load_classifier(name, Path(path) if path else None)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        """The names of all layers."""
        return (_CLASSIFIER_LAYERS.features, _CLASSIFIER_LAYERS.logits)

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        """The layer of a metric: logits for the inception score, features for all others."""
        return _CLASSIFIER_LAYERS.logits if metric == "isc" else _CLASSIFIER_LAYERS.features

    @staticmethod
    def can_be_compiled() -> bool:
        """No: compiled code gives other last bits, and nothing is gained at this size."""
        return False

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """The layers asked for, in the order they were asked for.

        torch-fidelity asks through a set, so the order changes from process to process.
        """
        features, logits = self.network(input)
        given = {_CLASSIFIER_LAYERS.features: features, _CLASSIFIER_LAYERS.logits: logits}
        return tuple(given[layer] for layer in self.features_list)


def register_extractors() -> None:
    """Make the shipped classifiers known to torch-fidelity by their names; again does nothing."""
    names: tuple[ClassifierName, ...] = get_args(ClassifierName)
    for name in names:
        if name not in FEATURE_EXTRACTORS_REGISTRY:
            register_feature_extractor(name, ClassifierExtractor)


def layers(name: ExtractorName) -> Layers:
    """The layers of an extractor that metrics read."""
    return _INCEPTION_LAYERS if name == "inception_v3_compat" else _CLASSIFIER_LAYERS


def extractor_weights(name: ExtractorName, path: Path | None = None) -> Path:
    """The file of weights of an extractor.

    Args:
        name: which one.
        path: of Inception's weights, when they lie somewhere else than usual.

    Raises:
        MissingDataError: Inception's weights were not found and cannot be downloaded.
        DataError: they are not the published ones.
    """
    match name:
        case "digits_cnn_v1" | "fashion_mnist_cnn_v1" | "patches16_cnn_v1":
            return weights_file(name)
        case "inception_v3_compat":
            return inception_weights(path)
        case _:
            assert_never(name)


def load_extractor(name: ExtractorName, weights: Path) -> FeatureExtractorBase:
    """The network of an extractor with both layers of `layers`, features first.

    Args:
        name: which one.
        weights: as `extractor_weights` gives them.
    """
    wanted: Any = [layers(name).features, layers(name).logits]
    match name:
        case "digits_cnn_v1" | "fashion_mnist_cnn_v1" | "patches16_cnn_v1":
            return ClassifierExtractor(name, wanted, str(weights)).eval()
        case "inception_v3_compat":
            return FeatureExtractorInceptionV3("inception-v3-compat", wanted, str(weights))
        case _:
            assert_never(name)
