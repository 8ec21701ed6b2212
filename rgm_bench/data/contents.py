"""What every data set consists of: its files, its splits and how many images they hold.

Imports neither torch nor numpy. Where the files lie is said in `location`.
"""

from typing import Literal, TypeAlias

DataKind: TypeAlias = Literal[
    "digits",
    "fashion_mnist",
    "natural_patches",
    "cifar10",
    "celeba_hq_256",
    "lsun_church",
    "image_folder",
]
PointsKind: TypeAlias = Literal["gmm8", "gaussian25", "checkerboard"]
Split: TypeAlias = Literal["train", "test"]

NUM_IMAGES: dict[tuple[str, str], int] = {
    ("digits", "train"): 1437,
    ("digits", "test"): 360,
    ("fashion_mnist", "train"): 60_000,
    ("fashion_mnist", "test"): 10_000,
    ("natural_patches", "train"): 4598,
    ("natural_patches", "test"): 515,
    ("cifar10", "train"): 50_000,
    ("cifar10", "test"): 10_000,
    ("celeba_hq_256", "train"): 24_183,
    ("celeba_hq_256", "test"): 2993,
    ("lsun_church", "train"): 120_000,
    ("lsun_church", "test"): 300,
}
"""Images of every kind and split that is the same everywhere: an image folder's are its owner's.

natural_patches holds as many at 16 pixels as at 32. Of LSUN church, whose training set is larger,
the first 120,000 are used.
"""

IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CIFAR10_FILES = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
PHOTOGRAPHS = {
    "train": (
        "skimage/data/astronaut.png",
        "sklearn/datasets/images/china.jpg",
        "sklearn/datasets/images/flower.jpg",
        "skimage/data/motorcycle_left.png",
        "skimage/data/rocket.jpg",
    ),
    "test": ("skimage/data/chelsea.png", "skimage/data/coffee.png"),
}
"""The colour photographs of natural_patches, by package: no patch is of one of both splits."""

CELEBA_HQ_MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
CELEBA_PARTITION = "list_eval_partition.txt"
LSUN_CHURCH_FOLDERS = {
    "train": "church_outdoor_train_lmdb",
    "test": "church_outdoor_val_lmdb",
}
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
