"""Makes a published checkpoint a finished training of a store, so that it can be measured."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import final

from rgm_bench.build.networks import build_generator
from rgm_bench.config.spec import ImportedSpec, TrainingSpec, canonical_json, spec_id
from rgm_bench.errors import DataError
from rgm_bench.metrics.digest import file_sha256
from rgm_bench.models.official import load_into, read_state
from rgm_bench.results.code import code_digest
from rgm_bench.results.files import write_whole
from rgm_bench.results.mirror import RESULT
from rgm_bench.results.provenance import provenance
from rgm_bench.results.schema import Outcome
from rgm_bench.results.store import Store, snapshot_path
from rgm_bench.training.checkpoint import Checkpoint


@final
@dataclass(frozen=True)
class Imported:
    """What an import came to; `is_new` is False when the store held the training before."""

    outcome: Outcome
    is_new: bool


def checkpoint_sha256(path: Path) -> str:
    """The checksum of a checkpoint file, by which its training is known.

    Raises:
        DataError: the file is not there or cannot be read.
    """
    try:
        return file_sha256(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such checkpoint") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def import_checkpoint(path: Path, training: TrainingSpec, store: Store) -> Imported:
    """Commit the averaged generator of a checkpoint as what `training` ended with.

    The store then holds what a training leaves, but for what is not known: a curve, snapshots on
    the way, and what it took. A second import of the same file does nothing.

    Args:
        path: a file written by the published code.
        training: how it came about; its method is `imported`, with the checksum of this file.
        store: where it goes.

    Raises:
        DataError: the file is another, is not a checkpoint or is of another network.
        StoreError: the store cannot be written.
    """
    _require_checksum(path, training)
    unit_id, digest = spec_id(training), code_digest("training")
    snapshot = snapshot_path(store.folder("training", unit_id, digest), training.images)
    store.fetch("training", unit_id, digest, RESULT)
    finished = store.outcome("training", unit_id, digest)
    if finished is not None and store.fetched(snapshot).is_file():
        return Imported(finished, is_new=False)
    weights = _averaged_weights(path, training)
    store.prepare()
    write_whole(snapshot, weights.to_bytes())
    outcome = Outcome(
        kind="training",
        id=unit_id,
        digest=digest,
        status="ok",
        reason=None,
        images=training.images,
        spec=json.loads(canonical_json(training)),
        cost={"parameters_generator": sum(t.numel() for t in weights.tensors.values())},
        provenance=provenance("cpu") | {"imported_from": _origin(path, training)},
    )
    store.commit(outcome)
    return Imported(outcome, is_new=True)


def _require_checksum(path: Path, training: TrainingSpec) -> None:
    found, expected = checkpoint_sha256(path), _method(training).sha256
    if found != expected:
        raise DataError(f"{path} has the sha256 {found}; the training is of {expected}")


def _averaged_weights(path: Path, training: TrainingSpec) -> Checkpoint:
    network = build_generator(training.generator, training.data.event_shape)
    state = read_state(path, "ema")
    try:
        load_into(network, state)
    except DataError as error:
        raise DataError(f"{path} is of another training than the one named: {error}") from error
    return Checkpoint(network.state_dict(), {"images_seen": training.images})


def _origin(path: Path, training: TrainingSpec) -> dict[str, str]:
    return {"file": path.name, "sha256": _method(training).sha256}


def _method(training: TrainingSpec) -> ImportedSpec:
    assert isinstance(training.method, ImportedSpec)
    return training.method
