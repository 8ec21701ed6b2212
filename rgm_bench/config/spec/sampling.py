"""How samples are generated from a trained network, and how images are restored with one."""

from typing import Annotated, Literal

from pydantic import Field

from rgm_bench.config.spec.base import Count, Levels, Positive, Spec
from rgm_bench.config.spec.part import PythonPartSpec

NoiseFactor = Annotated[float, Field(gt=0, le=1)]


class RestorationSamplerSpec(Spec):
    """Restore and degrade to the next cleaner level, from the end distribution to data.

    `transition` says how an estimate becomes the next observation: degraded afresh (RGM), drawn
    between the estimate and the present observation (`ancestral`), or without new noise
    (`deterministic`).
    """

    kind: Literal["restoration"]
    start: Literal["end_distribution"] = "end_distribution"
    transition: Literal["resample", "ancestral", "deterministic"] = "resample"
    noise_factor: NoiseFactor = 0.999


class OneShotSamplerSpec(Spec):
    """Degrade test data to `start_level` and restore it in one evaluation of the network."""

    kind: Literal["one_shot"]
    start_level: Levels


class DiffusionSamplerSpec(Spec):
    """A scheduler of diffusers, in `steps` evaluations of a network that predicts noise."""

    kind: Literal["ancestral", "ddim", "dpm_solver"]
    steps: Levels


SamplerSpec = Annotated[
    RestorationSamplerSpec | OneShotSamplerSpec | DiffusionSamplerSpec | PythonPartSpec,
    Field(discriminator="kind"),
]


class PlugAndPlaySpec(Spec):
    """Douglas-Rachford iterations with a trained RGM in place of a proximal map."""

    kind: Literal["plug_and_play"]
    relaxation: Annotated[float, Field(gt=0, le=1)]
    data_weight: Positive
    iterations: Count
    num_levels: Levels
    noise_factor: NoiseFactor = 0.99


class DdrmSpec(Spec):
    """deepinv's DDRM with a DDPM: the peer."""

    kind: Literal["ddrm"]
    steps: Levels
    eta: Annotated[float, Field(ge=0, le=1)] = 0.85
    etab: Annotated[float, Field(ge=0, le=1)] = 1.0


class FormulaSolverSpec(Spec):
    """Restoration without a network."""

    kind: Literal["pseudo_inverse", "bicubic"]


SolverSpec = Annotated[PlugAndPlaySpec | DdrmSpec | FormulaSolverSpec, Field(discriminator="kind")]
