"""Small classifiers whose features stand in for Inception's on images too small for it.

Trained by `rgm_bench.metrics.train_extractor` and shipped as package data.
"""

import json
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never, final

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from rgm_bench.errors import DataError
from rgm_bench.types import ByteImage

ClassifierName: TypeAlias = Literal["digits_cnn_v1", "fashion_mnist_cnn_v1", "patches16_cnn_v1"]

NUM_FEATURES = 64
METADATA_KEY = "rgm_bench"


@final
class SmallClassifier(nn.Module):
    """3x3 convolutions, 64 features, one logit a class.

    SiLU throughout: with ReLU a third of the features can be dead, and a covariance with zero rows
    makes a Frechet distance meaningless in those directions. Features are divided by their root
    mean square over the training images: KID's kernel (x y / dim + 1)^3 is made for that scale.

    SiLU has no upper end. Where images can be very unlike those it was trained on, features grow
    with them without limit, and a few broken images are all that a Frechet distance of 2000 sees.
    `normalise` therefore scales the features of each image to a root mean square of 1.

    Args:
        image_size: height and width of the images it was made for.
        channels: of what it sees: 3 for colour, 1 for the mean of an image's channels.
        widths: channels out of each convolution.
        strides: of each convolution.
        num_classes: how many it was trained to tell apart.
        normalise: whether the features of each image have a root mean square of 1.
    """

    def __init__(
        self,
        *,
        image_size: int,
        channels: Literal[1, 3],
        widths: tuple[int, ...],
        strides: tuple[int, ...],
        num_classes: int,
        normalise: bool = False,
    ) -> None:
        super().__init__()
        self.image_size, self.channels, self.normalise = image_size, channels, normalise
        layers: list[nn.Module] = []
        size, width = image_size, channels
        for out, stride in zip(widths, strides, strict=True):
            layers += [nn.Conv2d(width, out, 3, stride=stride, padding=1), nn.SiLU()]
            size, width = size // stride, out
        layers += [nn.Flatten(), nn.Linear(width * size * size, NUM_FEATURES), nn.SiLU()]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(NUM_FEATURES, num_classes)
        self.feature_scale: Tensor
        self.register_buffer("feature_scale", torch.ones(()))

    def forward(
        self, images: ByteImage
    ) -> tuple[Float[Tensor, " batch features"], Float[Tensor, " batch classes"]]:
        """Features and logits; grey images may come as one channel or as three equal ones.

        Raises:
            DataError: the images have another size than those it was made for.
        """
        if images.shape[-2:] != (self.image_size, self.image_size):
            raise DataError(
                f"this extractor sees images of {self.image_size}x{self.image_size} pixels, found "
                f"{images.shape[-2]}x{images.shape[-1]}: name the extractor made for this data set"
            )
        pixels = images.float()
        if self.channels == 1:
            pixels = pixels.mean(1, keepdim=True)
        features = self.trunk(pixels.expand(-1, self.channels, -1, -1) / 127.5 - 1)
        logits = self.head(features)
        if self.normalise:
            features = F.rms_norm(features, (NUM_FEATURES,))
        return features / self.feature_scale, logits


def new_classifier(name: ClassifierName) -> SmallClassifier:
    """The untrained network of an extractor.

    patches16_cnn_v1 sees colour. Patches have no classes, so its classes are damages
    (`rgm_bench.metrics.damage`), and the inception score of it is of no use: it would ask for many
    kinds of damage. Its features answer to those damages more than to others of the same size.
    """
    match name:
        case "digits_cnn_v1":
            return SmallClassifier(
                image_size=8, channels=1, widths=(32, 32, 64), strides=(1, 1, 2), num_classes=10
            )
        case "fashion_mnist_cnn_v1":
            return SmallClassifier(
                image_size=32,
                channels=1,
                widths=(16, 32, 48, 64),
                strides=(1, 2, 2, 2),
                num_classes=10,
            )
        case "patches16_cnn_v1":
            return SmallClassifier(
                image_size=16,
                channels=3,
                widths=(24, 32, 48, 48),
                strides=(1, 2, 1, 2),
                num_classes=8,
                normalise=True,
            )
        case _:
            assert_never(name)


def weights_file(name: ClassifierName) -> Path:
    """Where the shipped weights of an extractor lie."""
    return Path(__file__).parent / "weights" / f"{name}.safetensors"


def load_classifier(name: ClassifierName, path: Path | None = None) -> SmallClassifier:
    """The trained network of an extractor, ready to be evaluated.

    Args:
        name: which one.
        path: of its weights; None for the shipped ones.

    Raises:
        DataError: the file is missing, corrupt or of another network.
    """
    path = path or weights_file(name)
    network = new_classifier(name)
    try:
        with safe_open(path, framework="pt") as file:
            network.load_state_dict({key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, RuntimeError) as error:
        raise DataError(
            f"{path} does not hold the weights of {name}: {error}; install rgm-bench again"
        ) from error
    return network.requires_grad_(False).eval()


def read_record(path: Path) -> dict[str, Any]:
    """What was written beside the weights: data, recipe, accuracy and the software used."""
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()[METADATA_KEY])
