"""Images that a training in a store generates: of one of its snapshots, by its usual sampler."""

import os
import re
from functools import partial
from pathlib import Path

import torch

from rgm_bench.errors import DataError, StoreError
from rgm_bench.image_metrics.image_set import ImageSet
from rgm_bench.more_samples import (
    Snapshot,
    finished_training,
    last_snapshot,
    require_images,
    sampled,
    snapshot_of,
)
from rgm_bench.results.store import Store

_SNAPSHOT = re.compile(r"snapshot-\d+\.safetensors")
_ID = re.compile(r"[0-9a-f]{1,16}")


def find_snapshot(text: str, store: str | Path) -> Snapshot:
    """The snapshot that `text` names.

    Args:
        text: the path of a `snapshot-*.safetensors` in a store, or the id of a training, or its
            first digits, whose end is meant.
        store: where the store is that holds the training of an id.

    Raises:
        DataError: `text` can be neither.
        StoreError: the store does not hold it, or the training has not finished.
        UserError: the training makes points.
    """
    if os.path.isfile(text):
        snapshot = _of_file(Path(text))
    elif _ID.fullmatch(text):
        kept = Store.open(store)
        snapshot = last_snapshot(finished_training(text, kept), kept)
    else:
        raise DataError(
            f"{text}: no such folder or file; expected a folder of pictures, an array (.npy, "
            f".npz), a snapshot-*.safetensors in a store, or the id of a training in {store}"
        )
    require_images(snapshot)
    return snapshot


def _of_file(path: Path) -> Snapshot:
    path = path.absolute()  # its folders say whose it is
    if not _SNAPSHOT.fullmatch(path.name) or path.parts[-4:-3] != ("trainings",):
        raise DataError(
            f"{path}: expected trainings/<id>/<digest>/snapshot-<images>.safetensors in a store, "
            "where the training says which network and sampler the weights are for"
        )
    store, unit_id, digest = Store(path.parents[3]), path.parents[1].name, path.parent.name
    outcome = store.outcome("training", unit_id, digest)
    if outcome is None:
        raise StoreError(
            f"{path}: training {unit_id} has not finished, and says what it is of when it has; "
            "`rgm-bench run` goes on with it"
        )
    return snapshot_of(outcome, store, path)


def trained_images(snapshot: Snapshot, *, num: int, seed: int, device: torch.device) -> ImageSet:
    """Images of a snapshot; image k is the same for every `num`.

    Args:
        snapshot: as `find_snapshot` gives it.
        num: of images.
        seed: of the images, as the seed of an evaluation in a study.
        device: where they are generated.
    """
    channels, height, width = snapshot.training.data.event_shape
    return ImageSet(
        title=f"training {snapshot.training_id} ({snapshot.weights.stem})",
        shape=(channels, height, width),
        num=num,
        blocks=partial(sampled, snapshot, num=num, seed=seed, device=device),
        name_of=lambda index: f"generated image {index}",
    )
