"""Commands that prepare: init, data, doctor, schema."""

import json
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from rgm_bench.errors import MissingDataError, StoreError


class Downloadable(StrEnum):
    """Data sets that `rgm-bench data --get` can fetch."""

    FASHION_MNIST = "fashion_mnist"
    CIFAR10 = "cifar10"


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
        else:
            print(f"{status.name}: not found; to get it:")
            for line in status.instructions.splitlines():
                print(f"    {line}")


def doctor() -> None:
    """Say what this machine has: versions, devices, data sets and weights of extractors."""
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


def schema() -> None:
    """Print the JSON schema of study files, for editors that check YAML against one."""
    from rgm_bench.config.schema import study_schema

    print(json.dumps(study_schema(), indent=2))
