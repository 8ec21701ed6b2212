"""Any images score what torch-fidelity's command says of them, and what a study says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from rgm_bench.errors import DataError
from rgm_bench.image_metrics.files import open_images
from rgm_bench.image_metrics.measure import image_metrics, image_scores
from rgm_bench.image_metrics.reference import Reference
from rgm_bench.image_metrics.trained import find_snapshot, trained_images
from rgm_bench.metrics.fidelity import KID_SUBSET_SIZE, KID_SUBSETS, NEIGHBOURS, Extractor
from rgm_bench.metrics.inception import find_inception
from rgm_bench.rng import derive_seed
from tests.image_metrics.conftest import Trained, carry_out, study_of, write_pictures

CPU = torch.device("cpu")
SEED = 5
DIGITS_FID = 0.2259294280
"""Of the real training images against the test images, as `rgm-bench doctor --fid` says."""

OURS_REGISTERED = (
    "from rgm_bench.metrics.extractors import register_extractors; register_extractors(); "
    "from torch_fidelity.fidelity import main; main()"
)
"""torch-fidelity's command, which takes any extractor that was registered before it parses."""


def command(first: Path, second: Path, name: str, *python: str) -> dict[str, float]:
    """What torch-fidelity's command says of two folders, with our settings as its options."""
    options: dict[str, object] = {
        "--input1": first,
        "--input2": second,
        "--feature-extractor": name,
        "--kid-subsets": KID_SUBSETS,
        "--kid-subset-size": KID_SUBSET_SIZE,
        "--prc-neighborhood": NEIGHBOURS,
        "--rng-seed": derive_seed(SEED, "metrics") % 2**32,
    }
    metrics = ("--fid", "--isc", "--kid", "--prc")
    flags = ("--cpu", "--json", "--no-cache", "--silent", "--samples-find-deep", "--save-cpu-ram")
    words = [str(word) for option in options.items() for word in option]
    done = subprocess.run(
        [sys.executable, *python, *words, *metrics, *flags],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=1200,
        check=True,
    )
    found = json.loads(done.stdout[done.stdout.index("{") :])
    return {
        "fid": found["frechet_inception_distance"],
        "inception_score": found["inception_score_mean"],
        "kid": found["kernel_inception_distance_mean"],
        "precision": found["precision"],
        "recall": found["recall"],
    }


def short(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name.split(".")[0]: value for name, value in metrics.items()}


@pytest.fixture(scope="module")
def folders(train: torch.Tensor, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Damaged digits in folders of folders, and others as they are."""
    root = tmp_path_factory.mktemp("folders")
    damaged = (train[:500].int() + torch.arange(500).view(-1, 1, 1, 1) % 60).clamp(max=255).byte()
    write_pictures(root / "damaged/a", damaged[:200])
    write_pictures(root / "damaged/b/c", damaged[200:])
    return root / "damaged", write_pictures(root / "real", train[-600:])


@pytest.mark.process
def test_the_numbers_are_those_of_the_command_of_torch_fidelity(
    folders: tuple[Path, Path], extractor: Extractor, tmp_path: Path
) -> None:
    damaged, real = folders
    ours = image_metrics(
        open_images(damaged), Reference.open(str(real)), extractor, seed=SEED, cache=tmp_path
    ).metrics
    theirs = command(damaged, real, "digits_cnn_v1", "-c", OURS_REGISTERED)
    assert set(ours) == {f"{name}.digits_cnn_v1.n500" for name in theirs}
    assert short(ours) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.skipif(
    find_inception() is None, reason="the weights of Inception are not on this machine"
)
def test_so_they_are_with_inception(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Its own network, without a line of ours in the process."""
    damaged, real = folders
    weights = ("--feature-extractor-weights-path", str(find_inception()))
    ours = image_metrics(
        open_images(damaged),
        Reference.open(str(real)),
        Extractor("inception_v3_compat"),
        seed=SEED,
        cache=tmp_path,
    ).metrics
    module = ("-m", "torch_fidelity.fidelity", *weights)
    assert short(ours) == pytest.approx(
        command(damaged, real, "inception-v3-compat", *module), rel=1e-6
    )


def test_real_digits_as_files_have_the_known_answer(
    digit_files: Path, extractor: Extractor, tmp_path: Path
) -> None:
    reference = Reference.open("digits:test")
    assert reference.usual_extractor() == "digits_cnn_v1"
    found = image_metrics(open_images(digit_files), reference, extractor, seed=0, cache=tmp_path)
    # processors of two makers agree to 2e-7, since features are float32
    assert found.metrics["fid.digits_cnn_v1.n1437"] == pytest.approx(DIGITS_FID, rel=1e-6)


def test_the_order_of_files_does_not_matter_for_fid(
    folders: tuple[Path, Path], train: torch.Tensor, extractor: Extractor, tmp_path: Path
) -> None:
    _, real = folders
    order = torch.randperm(600, generator=torch.Generator().manual_seed(0))
    shuffled = write_pictures(tmp_path / "shuffled", train[-600:][order])
    one, other = (
        short(
            image_metrics(
                open_images(path),
                Reference.open("digits:test"),
                extractor,
                seed=0,
                cache=tmp_path / "cache",
            ).metrics
        )
        for path in (real, shuffled)
    )
    # torch-fidelity takes the mean in float32
    assert one["fid"] == pytest.approx(other["fid"], rel=1e-6)
    for name in ("precision", "recall"):
        assert one[name] == pytest.approx(other[name])


@pytest.mark.parametrize("name", ["images.npy", "images.npz", "labelled.npz", "colour.npy"])
def test_an_array_scores_what_its_images_as_files_do(
    name: str,
    folders: tuple[Path, Path],
    train: torch.Tensor,
    extractor: Extractor,
    tmp_path: Path,
) -> None:
    _, real = folders
    array = train[-600:, 0].numpy()
    if name == "images.npy":
        np.save(tmp_path / name, array)
    elif name == "images.npz":
        np.savez_compressed(tmp_path / name, images=array[..., None])
    elif name == "labelled.npz":
        np.savez(tmp_path / name, array, np.arange(600))
    else:  # three equal channels
        np.save(tmp_path / name, array[..., None].repeat(3, -1))
    cache, test = tmp_path / "cache", Reference.open("digits:test")
    of_array, of_files = (
        image_metrics(open_images(path), test, extractor, seed=0, cache=cache).metrics
        for path in (tmp_path / name, real)
    )
    assert of_array == of_files
    as_reference = Reference.open(str(tmp_path / name))
    assert short(
        image_metrics(open_images(real), as_reference, extractor, seed=0, cache=cache).metrics
    ) == pytest.approx(
        {**short(of_files), "fid": 0, "kid": 0, "precision": 1, "recall": 1}, abs=2e-2
    )


def test_a_snapshot_scores_what_the_study_says_of_it(
    trained: Trained, extractor: Extractor
) -> None:
    """Same seed, number and sampler: the same bits, and the study's features of the reference."""
    cache = trained.store.root / "references"
    kept = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(kept) == 1
    for text in (str(trained.snapshot(64)), trained.training.id, trained.training.id[:6]):
        images = trained_images(
            find_snapshot(text, trained.store.root), num=320, seed=3, device=CPU
        )
        found = image_metrics(images, Reference.open("digits"), extractor, seed=3, cache=cache)
        assert found.metrics == trained.evaluation.metrics
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == kept


def test_an_earlier_snapshot_scores_what_the_study_says_of_it(
    trained: Trained, extractor: Extractor, tmp_path: Path
) -> None:
    expected = carry_out(trained.store, study_of(0.25, 64, 0)).metrics
    snapshot = find_snapshot(str(trained.snapshot(16)), tmp_path)
    images = trained_images(snapshot, num=64, seed=0, device=CPU)
    cache = trained.store.root / "references"
    found = image_metrics(images, Reference.open("digits"), extractor, seed=0, cache=cache)
    assert found.metrics == expected


def test_a_seed_gives_the_same_bits_every_time(
    digit_files: Path, extractor: Extractor, tmp_path: Path
) -> None:
    reference = Reference.open("digits:test")
    first, again, other = (
        image_scores(
            open_images(digit_files, num=200, seed=seed),
            reference,
            extractor,
            seed=seed,
            cache=tmp_path,
            resamples=50,
        )
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first.scores != other.scores
    (interval,) = first.intervals.values()
    assert interval.low < first.scores.metrics["fid.digits_cnn_v1.n200"] < interval.high


def test_another_file_in_a_reference_is_another_reference(
    train: torch.Tensor, extractor: Extractor, tmp_path: Path
) -> None:
    folder = write_pictures(tmp_path / "real", train[:50])
    images = open_images(write_pictures(tmp_path / "images", train[50:100]))
    before, after = (
        image_metrics(images, reference, extractor, seed=0, cache=tmp_path / "cache").metrics
        for reference in _with_one_more(folder, train[100:101])
    )
    assert before["fid.digits_cnn_v1.n50"] != after["fid.digits_cnn_v1.n50"]


def _with_one_more(folder: Path, image: torch.Tensor):
    yield Reference.open(str(folder))
    write_pictures(folder / "more", image)
    yield Reference.open(str(folder))


def test_colour_is_seen_where_grey_is_compared(
    train: torch.Tensor, extractor: Extractor, tmp_path: Path
) -> None:
    images = train[:30].repeat(1, 3, 1, 1)
    images[17, 0] = 255 - images[17, 0]
    folder = write_pictures(tmp_path / "images", images)
    with pytest.raises(DataError, match=r"00017\.png has colour"):
        image_metrics(
            open_images(folder), Reference.open("digits"), extractor, seed=0, cache=tmp_path
        )
    with pytest.raises(DataError, match=r"00017\.png has colour"):
        Reference.open(str(folder)).features(extractor, cache=tmp_path)
