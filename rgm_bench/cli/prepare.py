"""Commands that prepare: init, data, import-official, doctor, schema."""

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from rgm_bench.cli import exit_codes
from rgm_bench.cli.options import DEFAULT_STORE, StoreLocation
from rgm_bench.errors import MissingDataError, StoreError


class Downloadable(StrEnum):
    """Data sets that `rgm-bench data --get` can fetch."""

    FASHION_MNIST = "fashion_mnist"
    CIFAR10 = "cifar10"


class OfficialOption(StrEnum):
    """The trainings of the paper whose checkpoints `rgm-bench import-official` reads."""

    CIFAR10_KLD_D = "cifar10-kld-d"
    CIFAR10_KLD_SR = "cifar10-kld-sr"
    CIFAR10_DSWD_D = "cifar10-dswd-d"
    CELEBA_HQ_256_KLD_D = "celeba-hq-256-kld-d"


def init(
    folder: Annotated[Path, typer.Argument(help="Where to.")] = Path("."),
) -> None:
    """Copy the shipped studies into `studies/`, to be run and changed; keeps what is there."""
    from rgm_bench.config.packaged import packaged_studies
    from rgm_bench.results.files import explain

    target = folder / "studies"
    try:
        target.mkdir(parents=True, exist_ok=True)
        for study in sorted(packaged_studies().glob("*.yaml")):
            copy = target / study.name
            if copy.exists():
                print(f"kept    {copy}")
                continue
            shutil.copyfile(study, copy)
            print(f"copied  {copy}")
    except OSError as error:
        raise StoreError(explain(error, target)) from error


def data(
    get: Annotated[Downloadable | None, typer.Option(help="Download this data set first.")] = None,
) -> None:
    """List the data sets: where each lies on this machine, or how to get it."""
    from rgm_bench.data.contents import PointsKind
    from rgm_bench.data.location import data_root, download, statuses

    if get is not None:
        print(f"{get.value} is in {download(get.value)}")
    print(f"data root: {data_root()} (change it with RGM_BENCH_DATA)")
    for kind in get_args(PointsKind):
        print(f"{kind}: computed, always there")
    for status in statuses():
        if status.folder is not None:
            print(f"{status.name}: {status.folder}")
            for note in _notes(status.name, status.folder):
                print(f"    {note}")
        else:
            print(f"{status.name}: not found; to get it:")
            for line in status.instructions.splitlines():
                print(f"    {line}")


def _notes(name: str, folder: Path) -> Iterator[str]:
    """What a study has to know of a data set that is there."""
    from rgm_bench.data.folder import picture_folder
    from rgm_bench.data.known import is_published

    if name in ("cifar10", "fashion_mnist"):
        kind = "cifar10" if name == "cifar10" else "fashion_mnist"
        if not is_published(kind, folder):
            yield "not the published images: a study of them says `subset: NAME`"
    elif name.startswith("image_folder "):
        for split in ("train", "test"):
            if (folder / split).is_dir():
                found = picture_folder(folder / split)
                yield f"{split}: {len(found.files):,} pictures"
                if found.note:
                    yield found.note


def import_official(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A checkpoint that the published code has saved.")
    ],
    preset: Annotated[OfficialOption, typer.Option(help="Which training of the paper it is of.")],
    store: StoreLocation = DEFAULT_STORE,
) -> None:
    """Make a published checkpoint a finished training of the store, to be measured.

    The three for CIFAR-10 have the same network, so nothing in a file tells them apart: a wrong
    preset among them shows in the images alone.
    """
    from rgm_bench.config.official import official_training
    from rgm_bench.official_training import checkpoint_sha256, import_checkpoint
    from rgm_bench.results.store import Store

    sha256 = checkpoint_sha256(file)
    training = official_training(preset.value, sha256)
    imported = import_checkpoint(file, training, Store.at(store))
    count = imported.outcome.cost["parameters_generator"]
    verb = "is now" if imported.is_new else "was already"
    print(f"{file} {verb} the training {imported.outcome.id} of {store}: {count:,} parameters")
    _print_how_to_measure(preset, sha256, store)


def _print_how_to_measure(preset: OfficialOption, sha256: str, store: str) -> None:
    from rgm_bench.config.official import PROFILES, STUDY

    study = Path("studies") / STUDY
    print("to measure it:")
    if not study.is_file():
        print("  rgm-bench init")
    words = ["rgm-bench", "run", str(study), "--profile", PROFILES[preset.value]]
    words += ["--set", f"training.method.sha256={sha256}"]
    if store != DEFAULT_STORE:
        words += ["--store", store]
    print(f"  {shlex.join(words)}")


def doctor(
    fid: Annotated[
        bool, typer.Option("--fid", help="Compute known answers by two paths, which must agree.")
    ] = False,
) -> None:
    """Say what this machine has: versions, devices, data sets and weights of extractors.

    With --fid also the FID of real images as studies measure it, and as torch-fidelity's own
    command does: by the function that it hands its options to, because the command offers only
    the extractors that torch-fidelity ships.
    """
    _print_machine()
    if fid:
        _compare_fid()


def _print_machine() -> None:
    import platform
    from importlib.metadata import version

    import torch

    from rgm_bench.data.location import statuses
    from rgm_bench.metrics.inception import find_inception

    print(f"python {platform.python_version()} on {platform.platform()}")
    libraries = ("rgm-bench", "torch", "torchvision", "torch-fidelity", "ray", "mlflow", "pandas")
    print(", ".join(f"{library} {version(library)}" for library in libraries))
    print(f"CPU: {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads")
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        print(f"GPU {index}: {card.name}, {card.total_memory / 2**30:.0f} GiB")
    if not torch.cuda.device_count():
        print("GPU: none that torch can use")
    for status in statuses():
        print(f"data {status.name}: {status.folder or 'not found (`rgm-bench data` tells more)'}")
    try:
        print(f"weights inception_v3_compat: {find_inception() or 'downloaded when first needed'}")
    except MissingDataError as error:
        print(f"weights inception_v3_compat: {error}")


def _compare_fid() -> None:
    """Print both answers for each data set; leave with 1 if they differ by more than rounding."""
    import torch

    from rgm_bench.known_answers import TOLERANCE, Skipped, fid_answers

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print("\nFID of real training images against test images, of LSUN church other training images")
    titles = ("data", "extractor", "images", "others", "rgm-bench", "torch-fidelity", "difference")
    row = "{:<15} {:<21} {:>6} {:>6} {:>14} {:>14} {:>10}".format
    print(row(*titles))
    agree = True
    for answer in fid_answers(device):
        if isinstance(answer, Skipped):
            print(f"{answer.data:<15} skipped: {answer.reason}", flush=True)
            continue
        agree = agree and answer.agrees
        scores = (f"{score:.10f}" for score in (answer.ours, answer.theirs))
        counts = (f"{count:,}" for count in (answer.num_train, answer.num_other))
        difference = f"{answer.difference:.0e}" if answer.difference else "0"
        print(row(answer.data, answer.extractor, *counts, *scores, difference), flush=True)
    if not agree:
        print(
            f"they differ by more than {TOLERANCE:.0e}: scores here are not torch-fidelity's",
            file=sys.stderr,
        )
        raise typer.Exit(exit_codes.REGRESSION)


def schema() -> None:
    """Print the JSON schema of study files, for editors that check YAML against one."""
    from rgm_bench.config.schema import study_schema

    print(json.dumps(study_schema(), indent=2))
