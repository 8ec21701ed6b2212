"""Whether a measurement fits the data and the training it is made of."""

from collections.abc import Iterable
from typing import assert_never

from rgm_bench.batching import STDDEV_GROUP
from rgm_bench.config.spec.data import DataSpec, ImageFolderSpec, Split, is_images, other_split
from rgm_bench.config.spec.degradation import BlockAverageSpec, IdentitySpec, NoiseForwardSpec
from rgm_bench.config.spec.measure import (
    GenerateSpec,
    LatentDiversitySpec,
    MeasureSpec,
    PointsSpec,
    ReferenceSpec,
    RestoreSpec,
)
from rgm_bench.config.spec.method import DdpmSpec, ImportedSpec, RgmSpec
from rgm_bench.config.spec.part import PythonPartSpec
from rgm_bench.config.spec.rules import compares_whole_batches, num_samples, operator_misfit
from rgm_bench.config.spec.sampling import (
    DdrmSpec,
    DiffusionSamplerSpec,
    FormulaSolverSpec,
    OneShotSamplerSpec,
    PlugAndPlaySpec,
    RestorationSamplerSpec,
    SamplerSpec,
    SolverSpec,
)
from rgm_bench.config.spec.training import TrainingSpec

Misfit = tuple[str, str]
"""The field that should change, as a path, and why."""

_EXTRACTOR_SHAPES = {
    "digits_cnn_v1": (1, 8, 8),
    "fashion_mnist_cnn_v1": (1, 32, 32),
    "patches16_cnn_v1": (3, 16, 16),
}
"""Channels, height and width that the small classifiers were trained on; others see any."""


def measure_misfit(
    measure: MeasureSpec, data: DataSpec, training: TrainingSpec | None
) -> Misfit | None:
    """Which field of a measurement does not fit and why; None if all do.

    Args:
        measure: the measurement.
        data: what the source has learnt, or is.
        training: the source's, or None for real data.
    """
    match measure:
        case GenerateSpec():
            if not is_images(data):
                return "kind", f"generate is for images; for {data.kind} use points"
            misfit = reference_misfit(measure.reference, data)
            if misfit:
                return f"reference.{misfit[0]}", misfit[1]
            return _sampler_misfit(measure.sampler, training)
        case PointsSpec():
            if is_images(data):
                return "kind", f"points is for points; for {data.kind} use generate"
            return _sampler_misfit(measure.sampler, training)
        case RestoreSpec():
            return _restore_misfit(measure, data, training)
        case LatentDiversitySpec():
            return _diversity_misfit(measure, data, training)
        case _:
            assert_never(measure)


def shares_misfit(shares: Iterable[float], training: TrainingSpec) -> Misfit | None:
    """Why a training has no weights at one of `shares` of its images; None if it has all."""
    early = [share for share in shares if share < 1]
    if early and isinstance(training.method, ImportedSpec):
        return (
            "at_images",
            f"found {early[0]}; imported weights are those of the end: use 1.0 alone",
        )
    return None


def processes_misfit(training: TrainingSpec, processes: int) -> str | None:
    """Why `processes` cannot share a training, each with a part of every batch; None if they can.

    It is silent about a prior written in Python, which says itself what it can do.
    """
    if processes == 1:
        return None
    if isinstance(training.method, RgmSpec) and compares_whole_batches(training.method.prior):
        return (
            f"{processes} splits batches, and the prior {training.method.prior.kind} compares "
            "whole ones: use 1"
        )
    batch, accumulation = training.batch_size, training.numerics.accumulation
    unit = STDDEV_GROUP * accumulation
    if batch % (unit * processes) == 0:
        return None
    fewer = max(number for number in range(1, processes) if batch % (unit * number) == 0)
    nearest = max(1, round(batch / unit / processes)) * unit * processes
    return (
        f"{processes} does not divide batch_size {batch} into equal parts of whole groups (of "
        f"{STDDEV_GROUP} images x accumulation {accumulation}): use {fewer}, or batch_size "
        f"{nearest}"
    )


def reference_misfit(reference: ReferenceSpec, data: DataSpec) -> Misfit | None:
    """Which field of a reference does not fit images of `data` and why; None if it fits."""
    misfit = _split_misfit(reference.split, data)
    if misfit:
        return misfit
    extractor, shape = reference.extractor, data.event_shape
    sees = _EXTRACTOR_SHAPES.get(extractor)
    if sees is None or sees == shape:
        return None
    fitting = [name for name, seen in _EXTRACTOR_SHAPES.items() if seen == shape]
    return "extractor", (
        f"found {extractor}, which sees images of {_sizes(sees)}; those of {data.kind} are "
        f"{_sizes(shape)}: use {next(iter(fitting), 'inception_v3_compat')}"
    )


def _split_misfit(split: Split, data: DataSpec) -> Misfit | None:
    if isinstance(data, ImageFolderSpec) and split != data.split:
        # the id of a study holds the fingerprint of one split of a folder
        return "split", f"found {split}; for an image_folder it is that of the training"
    return None


def _number_misfit(num_images: int, split: Split, data: DataSpec) -> Misfit | None:
    there = num_samples(other_split(data, split))
    if there is None or num_images <= there:
        return _split_misfit(split, data)
    return "num_images", f"found {num_images}; {data.kind} {split} has {there}"


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _sampler_misfit(sampler: SamplerSpec | None, training: TrainingSpec | None) -> Misfit | None:
    if training is None:
        return None
    if sampler is None:
        return "sampler", "missing: a training is measured by what it generates"
    diffusion = isinstance(training.method, DdpmSpec)
    match sampler:
        case DiffusionSamplerSpec():
            if not diffusion:
                return "sampler.kind", f"{sampler.kind} is for ddpm; use restoration"
            if sampler.kind == "ddim" and training.num_levels % sampler.steps:
                text = f"{sampler.steps} does not divide the {training.num_levels} levels"
                return "sampler.steps", f"{text}, and the steps of ddim have one width"
            return _beyond("sampler.steps", sampler.steps, training)
        case RestorationSamplerSpec():
            if diffusion:
                text = "restoration is not for ddpm; use ancestral, ddim or dpm_solver"
                return "sampler.kind", text
            noise = isinstance(training.method.forward, NoiseForwardSpec)
            if sampler.transition != "resample" and not noise:
                return "sampler.transition", f"{sampler.transition} is known for noise alone"
            return None
        case OneShotSamplerSpec():
            if diffusion:
                return "sampler.kind", "one_shot is not for ddpm, whose network predicts noise"
            if isinstance(training.data, ImageFolderSpec):
                # the id of a study holds the fingerprint of one split of a folder
                return "sampler.kind", "one_shot degrades test data, which an image_folder has not"
            return _beyond("sampler.start_level", sampler.start_level, training)
        case PythonPartSpec():
            return None
        case _:
            assert_never(sampler)


def _beyond(field: str, level: int, training: TrainingSpec) -> Misfit | None:
    if level <= training.num_levels:
        return None
    return field, f"found {level}; the training has {training.num_levels} levels"


def _restore_misfit(
    measure: RestoreSpec, data: DataSpec, training: TrainingSpec | None
) -> Misfit | None:
    misfit = operator_misfit(measure.problem.operator, data)
    if misfit:
        return f"problem.operator.{misfit[0]}", misfit[1]
    bicubic = measure.solver.kind == "bicubic"
    if bicubic and not isinstance(measure.problem.operator, BlockAverageSpec):
        return "solver.kind", "bicubic is for block_average; use pseudo_inverse"
    if isinstance(measure.problem.operator, IdentitySpec) and measure.problem.noise_std == 0:
        return "problem.noise_std", "0 with identity leaves nothing to restore: use more"
    misfit = _number_misfit(measure.num_images, measure.split, data)
    return misfit or _solver_misfit(measure.solver, training)


def _solver_misfit(solver: SolverSpec, training: TrainingSpec | None) -> Misfit | None:
    if isinstance(solver, FormulaSolverSpec):
        return None
    if training is None:
        return "solver.kind", f"{solver.kind} needs a training"
    diffusion = isinstance(training.method, DdpmSpec)
    match solver:
        case PlugAndPlaySpec():
            if diffusion:
                return "solver.kind", "plug_and_play is not for ddpm; use ddrm"
            return _beyond("solver.num_levels", solver.num_levels, training)
        case DdrmSpec():
            if not diffusion:
                return "solver.kind", "ddrm is for ddpm; use plug_and_play"
            return _beyond("solver.steps", solver.steps, training)
        case _:
            assert_never(solver)


def _diversity_misfit(
    measure: LatentDiversitySpec, data: DataSpec, training: TrainingSpec | None
) -> Misfit | None:
    if training is None:
        return "kind", "latent_diversity is of a training"
    if isinstance(training.method, DdpmSpec):
        return "kind", "latent_diversity is not for ddpm, which has no latent"
    misfit = _number_misfit(measure.num_images, measure.split, data)
    return misfit or _beyond("level", measure.level, training)
