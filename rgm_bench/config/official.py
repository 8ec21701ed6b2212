"""The published checkpoints by name, and the trainings that they are the end of.

What those trainings are stands in one place, the shipped study that measures them: a name here is
one of its profiles. Imports no torch.
"""

import shlex
from collections.abc import Mapping
from typing import Literal

from rgm_bench.config.load import load_study
from rgm_bench.config.packaged import packaged_studies
from rgm_bench.config.spec import ImportedSpec, TrainingSource, TrainingSpec

OfficialName = Literal["cifar10-kld-d", "cifar10-kld-sr", "cifar10-dswd-d", "celeba-hq-256-kld-d"]

PROFILES: Mapping[OfficialName, str] = {
    "cifar10-kld-d": "cifar10_kld_d",
    "cifar10-kld-sr": "paper",
    "cifar10-dswd-d": "cifar10_dswd_d",
    "celeba-hq-256-kld-d": "celeba_hq_256_kld_d",
}
"""The profile of the study `official` that measures a checkpoint."""

STUDY = "official.yaml"
IMPORTED = "imported"
"""The kind of their method."""


def official_training(name: OfficialName, sha256: str) -> TrainingSpec:
    """The training whose weights a published file holds.

    The first three names have the same network: only their files differ, and how they are sampled.

    Args:
        name: which of the paper's trainings.
        sha256: of the file.
    """
    study = load_study(
        packaged_studies() / STUDY,
        profile=PROFILES[name],
        overrides=[f'training.method.sha256="{sha256}"'],
    )
    source = study.trials[0].spec.source
    assert isinstance(source, TrainingSource)
    return source.training


def official_name(training: TrainingSpec) -> OfficialName | None:
    """Which of the paper's trainings an imported one is; None if it is none of them."""
    sha256 = _checksum(training)
    return next((name for name in PROFILES if official_training(name, sha256) == training), None)


def import_advice(training: TrainingSpec, store: str) -> str:
    """What to do when an imported training is not in a store."""
    sha256 = _checksum(training)
    wanted = f"the weights of the file with the sha256 {sha256}"
    if not sha256.strip("0"):
        wanted = "published weights, and training.method.sha256 does not say yet which"
    name = official_name(training)
    if name is None:
        return (
            f"the study needs {wanted}, and they are not in {store}. Its training is none of those "
            f"that can be imported ({', '.join(PROFILES)}): leave all of it but the sha256 as the "
            f"study {STUDY} has it, the seed too"
        )
    return (
        f"the study needs {wanted}. They are not in {store}, or were put there by other code than "
        "the present one. To put them there:\n"
        f"  rgm-bench import-official FILE --preset {name} --store {shlex.quote(store)}\n"
        "It ends with the command that measures them."
    )


def _checksum(training: TrainingSpec) -> str:
    assert isinstance(training.method, ImportedSpec)
    return training.method.sha256
