"""Trains a shipped feature extractor again: `python -m rgm_bench.metrics.train_extractor NAME`.

One thread, one generator, no augmentation: the same processor and the same torch give the same
bits, and `--check` compares them with the shipped file. Other processors round differently.
"""

import argparse
import hashlib
import json
import platform
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, assert_never, cast, final, get_args

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from rgm_bench.data.contents import Split
from rgm_bench.data.images import load_images, load_labels
from rgm_bench.metrics.classifier import (
    METADATA_KEY,
    ClassifierName,
    SmallClassifier,
    new_classifier,
    read_record,
    weights_file,
)
from rgm_bench.metrics.damage import with_damages
from rgm_bench.types import ByteImage

_BLOCK = 256


@final
@dataclass(frozen=True)
class Recipe:
    """How an extractor is trained: Adam with a rate that falls linearly to zero.

    Args:
        data: the data set; trained on its train split, scored on its test split.
        epochs: passes over the train split.
        batch_size: images a step; what is left of an epoch is dropped.
        learning_rate: at the first step.
        seed: of the weights and of the order of images.
    """

    data: Literal["digits", "fashion_mnist", "natural_patches"]
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int


def recipe(name: ClassifierName) -> Recipe:
    """The recipe of a shipped extractor."""
    match name:
        case "digits_cnn_v1":
            return Recipe("digits", epochs=40, batch_size=64, learning_rate=2e-3, seed=2)
        case "fashion_mnist_cnn_v1":
            return Recipe("fashion_mnist", epochs=8, batch_size=64, learning_rate=2e-3, seed=1)
        case "patches16_cnn_v1":
            # Few epochs: with more it knows the train patches by heart, and real patches of the
            # same photographs that lie between them seem as far as damaged ones.
            return Recipe("natural_patches", epochs=2, batch_size=64, learning_rate=2e-3, seed=1)
        case _:
            assert_never(name)


def examples(name: ClassifierName, split: Split) -> tuple[ByteImage, Tensor]:
    """The images that an extractor learns from or is scored on, and the class of each.

    Raises:
        MissingDataError: the data set of the extractor is not on this machine.
    """
    how = recipe(name)
    match how.data:
        case "digits" | "fashion_mnist":
            return plain_images(name, split), load_labels(kind=how.data, split=split)
        case "natural_patches":
            return with_damages(plain_images(name, split), seed=how.seed)
        case _:
            assert_never(how.data)


def plain_images(name: ClassifierName, split: Split) -> ByteImage:
    """All images of a split of the data set of an extractor, as they are.

    Raises:
        MissingDataError: the data set of the extractor is not on this machine.
    """
    kind = recipe(name).data
    size = new_classifier(name).image_size if kind == "natural_patches" else None
    return load_images(kind=kind, split=split, image_size=size)


def train(name: ClassifierName) -> tuple[SmallClassifier, dict[str, Any]]:
    """The trained network and the record of how it came to be.

    Raises:
        MissingDataError: the data set of the extractor is not on this machine.
    """
    how = recipe(name)
    images = plain_images(name, "train")
    with _one_thread():
        network = _fit(new_classifier(name), *examples(name, "train"), how)
        network.feature_scale.copy_(_see(network, images)[0].double().square().mean().sqrt())
        score = accuracy(network, *examples(name, "test"))
    return network, {
        "name": name,
        "recipe": asdict(how),
        "train_images_sha256": hashlib.sha256(images.numpy().tobytes()).hexdigest(),
        "test_accuracy": score,
    } | machine()


def accuracy(network: SmallClassifier, images: ByteImage, labels: Tensor) -> float:
    """The share of images whose largest logit is that of their label."""
    guesses = _see(network, images)[1].argmax(1)
    return (guesses == labels).double().mean().item()


def machine() -> dict[str, str]:
    """All outside the recipe that decides the last bits of the weights."""
    return {
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cpu": _cpu_model(),
    }


def write(network: SmallClassifier, record: dict[str, Any], path: Path) -> None:
    """Write weights and record to `path` as safetensors: equal weights give equal files."""
    # One entry only: safetensors writes several in an order that changes from run to run.
    text = json.dumps(record, sort_keys=True)
    # Not save_file: it makes files that only their owner can read.
    path.write_bytes(save(network.state_dict(), metadata={METADATA_KEY: text}))


def differing(network: SmallClassifier, path: Path) -> tuple[str, ...]:
    """The names of the tensors that are not those of a file, bit for bit."""
    shipped, own = load_file(path), network.state_dict()
    return tuple(
        key
        for key in sorted(shipped.keys() | own.keys())
        if key not in shipped or key not in own or not torch.equal(shipped[key], own[key])
    )


def main(arguments: list[str] | None = None) -> int:
    """Train and write, or with `--check` compare: exit code 1 when bits differ."""
    parser = argparse.ArgumentParser(prog="python -m rgm_bench.metrics.train_extractor")
    parser.add_argument("name", choices=get_args(ClassifierName))
    parser.add_argument("--check", action="store_true", help="compare with the shipped file")
    options = parser.parse_args(arguments)
    name = cast("ClassifierName", options.name)
    network, record = train(name)
    print(f"{name}: accuracy {record['test_accuracy']:.4f} on the test split")
    if options.check:
        return _compare(network, weights_file(name))
    write(network, record, weights_file(name))
    print(f"wrote {weights_file(name)} ({weights_file(name).stat().st_size:,} bytes)")
    return 0


def _fit(
    network: SmallClassifier, images: ByteImage, labels: Tensor, how: Recipe
) -> SmallClassifier:
    order = torch.Generator().manual_seed(how.seed)
    _initialise(network, order)
    adam = torch.optim.Adam(network.parameters(), lr=how.learning_rate)
    steps = how.epochs * (len(images) // how.batch_size)
    decay = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.0, total_iters=steps)
    for batch in _batches(len(images), how, order):
        adam.zero_grad()
        F.cross_entropy(network(images[batch])[1], labels[batch]).backward()
        adam.step()
        decay.step()
    return network.requires_grad_(False).eval()


def _see(network: SmallClassifier, images: ByteImage) -> tuple[Tensor, Tensor]:
    """Features and logits of many images."""
    with torch.no_grad():
        seen = [network(block) for block in images.split(_BLOCK)]
    return torch.cat([features for features, _ in seen]), torch.cat([logits for _, logits in seen])


def _batches(num_images: int, how: Recipe, order: torch.Generator) -> Iterator[Tensor]:
    for _ in range(how.epochs):
        shuffled = torch.randperm(num_images, generator=order)
        yield from shuffled[: num_images // how.batch_size * how.batch_size].split(how.batch_size)


def _initialise(network: SmallClassifier, generator: torch.Generator) -> None:
    """Weights for layers followed by a half-linear unit, from a generator of our own."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            nn.init.zeros_(cast("Tensor", module.bias))


@contextmanager
def _one_thread() -> Generator[None, None, None]:
    """One thread: with more, sums are split differently and the last bits change."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    text = listing.read_text() if listing.is_file() else ""
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _compare(network: SmallClassifier, path: Path) -> int:
    different = differing(network, path)
    if not different:
        print(f"equal to {path}, bit for bit")
        return 0
    shipped = read_record(path)
    print(f"{path} differs in {', '.join(different)}")
    for key, here in machine().items():
        print(f"  {key}: shipped {shipped[key]}, here {here}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
